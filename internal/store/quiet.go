package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// quietEvery is how often Quiet looks.
const quietEvery = 20 * time.Millisecond

// Quiet waits until no insert into a table runs that began before the call, whoever sent it: the server goes on with an insert whose sender
// is gone, and until it ends a lookup cannot say whether its rows will be there. The error is ctx's if that ends first. It looks at
// the one server it is connected to.
func (db *DB) Quiet(ctx context.Context, table string) error {
	before, err := db.inserting(ctx, table)
	tick := time.NewTicker(quietEvery)
	defer tick.Stop()
	for now := before; err == nil && overlap(before, now); now, err = db.inserting(ctx, table) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for %d inserts into %s to end: %w", len(now), table, ctx.Err())
		}
	}
	return err
}

func overlap(a, b map[string]bool) bool {
	for id := range a {
		if b[id] {
			return true
		}
	}
	return false
}

// inserting returns the ids of the inserts that run into a table, as they are written here: with the table's bare name.
func (db *DB) inserting(ctx context.Context, table string) (map[string]bool, error) {
	var ids []string
	err := db.QueryRow(ctx, "SELECT groupArray(query_id) FROM system.processes WHERE current_database = currentDatabase() AND startsWith(query, {head:String})",
		clickhouse.Named("head", "INSERT INTO "+table+" ")).Scan(&ids)
	if err != nil {
		return nil, fmt.Errorf("look for inserts into %s: %w", table, err)
	}
	out := make(map[string]bool, len(ids))
	for _, id := range ids {
		out[id] = true
	}
	return out, nil
}
