package rig

import (
	"context"
	"errors"

	"github.com/midwatch/midwatch/bench/load"
)

// Midwatch starts our side on a directory: store and ingester.
func Midwatch(ctx context.Context, p Programs, name, dir string) (*Side, error) {
	s, err := Store(ctx, p, name, dir)
	if err != nil {
		return s, err
	}
	s.Receiver = s.midwatch(p, "ingester", s.Address)
	if err := s.Receiver.Start(ctx); err != nil {
		return s, errors.Join(err, s.Close())
	}
	return s, nil
}

// Store starts our side's store alone.
func Store(ctx context.Context, p Programs, name, dir string) (*Side, error) {
	s, err := open(ctx, p, name, dir, "midwatch")
	if err != nil {
		return s, err
	}
	s.Tables = map[load.Signal][]string{load.Logs: {"logs"}, load.Spans: {"spans"}}
	return s, nil
}

// DropViews drops everything that is computed of the rows while they are inserted.
func (s *Side) DropViews(ctx context.Context) error {
	var names []string
	err := s.DB.QueryRow(ctx, "SELECT groupArray(name) FROM system.tables WHERE database = currentDatabase() AND engine = 'MaterializedView'").Scan(&names)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.DB.Exec(ctx, "DROP TABLE `"+name+"`"); err != nil {
			return err
		}
	}
	return nil
}
