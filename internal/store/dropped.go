package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rows that are late make a day anew that was dropped, and then nothing shows that it had others. So a table's comment says until when days of it were dropped:
// it needs no room among the rows, which a full disk does not have, and lasts as long as the table. Days go the oldest first, so the last of them is enough.
const droppedUntil = "dropped until "

// DroppedBefore is the beginning of the first day of a table after all that were dropped, zero if none was. Whatever a day before has of rows may be less
// than it had. Of a cluster each server has to say, since it may be the only one that knows.
func (db *DB) DroppedBefore(ctx context.Context, table string) (time.Time, error) {
	all, err := onEach(db, func(server *DB) ([]time.Time, error) {
		last, err := server.lastDropped(ctx, table, table+localSuffix)
		return []time.Time{last}, err
	})
	if err != nil {
		return time.Time{}, err
	}
	last := slices.MaxFunc(all, time.Time.Compare)
	if last.IsZero() {
		return last, nil
	}
	return last.Add(day), nil
}

// lastDropped is the last day of a table that was dropped on this server, whichever of its names it has there; zero: none was.
func (db *DB) lastDropped(ctx context.Context, names ...string) (time.Time, error) {
	var comment string // dates are ordered as texts are
	err := db.QueryRow(ctx, "SELECT max(comment) FROM system.tables WHERE database = currentDatabase() AND name IN (?) AND startsWith(comment, ?)", names, droppedUntil).Scan(&comment)
	if err != nil {
		return time.Time{}, fmt.Errorf("ask what of %s was dropped: %w", names[0], err)
	}
	if last, err := time.Parse(time.DateOnly, strings.TrimPrefix(comment, droppedUntil)); err == nil {
		return last, nil
	}
	return time.Time{}, nil // there is none, or it has no words of ours
}

// noteDropped says that a partition goes, before it does: a day that is said to be gone and is not costs less than the other way round.
func (db *DB) noteDropped(ctx context.Context, p partition) error {
	if p.database == systemDatabase {
		return nil
	}
	last, err := db.lastDropped(ctx, p.table)
	if err != nil || !p.day.After(last) {
		return err
	}
	err = db.Exec(ctx, fmt.Sprintf("ALTER TABLE %s.%s MODIFY COMMENT '%s%s'", quote(p.database), quote(p.table), droppedUntil, p.day.Format(time.DateOnly)))
	if err != nil {
		return fmt.Errorf("note that days of %s.%s are dropped: %w", p.database, p.table, err)
	}
	return nil
}
