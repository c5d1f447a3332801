package store

import (
	"context"
	"fmt"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
)

// Read runs a query and hands over its result block by block: before each call the columns of into, which have the names of the result's, hold the
// rows of one block. It is for results of a million numbers, which the other driver takes one at a time. An error of each ends the query and is
// returned. At most Config.MaxConns run at a time; others wait.
func (db *DB) Read(ctx context.Context, query string, params, settings map[string]any, into proto.Results, each func() error) error {
	select {
	case db.reading <- struct{}{}:
		defer func() { <-db.reading }()
	case <-ctx.Done():
		return ctx.Err()
	}
	c, err := db.readers.get(ctx)
	if err != nil {
		return err
	}
	q := ch.Query{Body: query, Parameters: ch.Parameters(params), Result: into, Settings: append(chSettings(db.cfg.settings()), chSettings(settings)...)}
	q.OnResult = func(context.Context, proto.Block) error { return each() }
	err = c.Do(ctx, q)
	db.readers.put(c, err)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	return nil
}
