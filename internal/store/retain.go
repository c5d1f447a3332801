package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Why a partition was dropped.
const (
	TooOld   = "age"
	DiskFull = "disk"
)

// Dropped is a partition that is gone: a table's rows of one day, or, of a log of ClickHouse's own, of a month.
type Dropped struct {
	Database, Table string
	Day             time.Time // the last day that the partition had rows of
	Rows, Bytes     uint64    // bytes as they were on disk
	Reason          string    // TooOld, DiskFull
}

// Ages says how long what a signal's tables hold is kept: see SignalOf. Less than a day is a day.
type Ages func(signal string) time.Duration

// Retain drops the partitions whose rows are all older than Config.Retention says for their signal, or than others where it
// does not, in every table that is partitioned by day and, if they are named there, in ClickHouse's own logs, and returns them, also beside an error.
// A day goes only when its last second is too old. Dropping frees the disk at once, unlike deleting rows. A partition that
// the server refuses to drop stays and does not keep the others. Of several processes one drops and returns it; nothing is
// dropped while another holds the lock of the schema.
func (db *DB) Retain(ctx context.Context, others time.Duration) ([]Dropped, error) {
	return onEach(db, func(server *DB) ([]Dropped, error) { return server.retain(ctx, others) })
}

func (db *DB) retain(ctx context.Context, others time.Duration) (dropped []Dropped, err error) {
	age := db.cfg.Retention.Ages(others)
	if old, err := db.tooOld(ctx, age); err != nil || len(old) == 0 {
		return nil, err
	}
	err = alone(ctx, db, usualTiming(), func(ctx context.Context, _ heldLock) error {
		dropped, err = db.dropOld(ctx, age)
		return err
	})
	return dropped, err
}

// tooOld lists what age does not keep.
func (db *DB) tooOld(ctx context.Context, age Ages) ([]partition, error) {
	all, err := db.partitions(ctx)
	now := time.Now()
	return slices.DeleteFunc(ownFirst(all), func(p partition) bool {
		first := now.Add(-max(age(SignalOf(p.table)), day))
		return !p.day.Before(midnight(first))
	}), err
}

func (db *DB) dropOld(ctx context.Context, age Ages) (dropped []Dropped, err error) {
	old, err := db.tooOld(ctx, age)
	if err != nil {
		return nil, err
	}
	var refused refusals
	for _, p := range old {
		done, err := db.drop(ctx, p, &refused)
		if err != nil {
			return dropped, refused.with(err)
		}
		if done {
			dropped = append(dropped, p.dropped(TooOld))
		}
	}
	return dropped, refused.with(nil)
}

// ownFirst moves the logs of ClickHouse's own to the end.
func ownFirst(all []partition) []partition {
	rank := func(p partition) int {
		if p.database == systemDatabase {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b partition) int { return rank(a) - rank(b) })
	return all
}

const day = 24 * time.Hour

// midnight is when the UTC day of t began.
func midnight(t time.Time) time.Time { return t.UTC().Truncate(day) }

// refusals are what the server said, once for each table, to dropping partitions that it did not drop, or did not note that they go.
type refusals struct {
	tables []string
	errs   []error
}

// take keeps what a server answered, and returns any other error.
func (r *refusals) take(p partition, err error) error {
	if _, answered := errors.AsType[*clickhouse.Exception](err); !answered {
		return err
	}
	if name := p.database + "." + p.table; !slices.Contains(r.tables, name) {
		r.tables, r.errs = append(r.tables, name), append(r.errs, err)
	}
	return nil
}

func (r *refusals) with(err error) error { return errors.Join(append(r.errs, err)...) }

// drop drops a partition and says whether it did: that the server refuses is noted and no error. The server's guard against
// dropping much by mistake would keep exactly the partitions that fill the disk. Other replicas follow when they can: one that is away would
// else make a refusal of what was done here. A server that does not take the note drops all the same: a full disk stops everything, a missing note
// may cost sums of what comes late.
func (db *DB) drop(ctx context.Context, p partition, refused *refusals) (done bool, err error) {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"max_partition_size_to_drop": 0, "alter_sync": 1}))
	if err := refused.take(p, db.noteDropped(ctx, p)); err != nil {
		return false, err
	}
	err = db.Exec(ctx, fmt.Sprintf("ALTER TABLE %s.%s DROP PARTITION ID '%s'", quote(p.database), quote(p.table), p.id))
	if err == nil {
		return true, nil
	}
	return false, refused.take(p, fmt.Errorf("drop partition %s of %s.%s: %w", p.id, p.database, p.table, err))
}

func quote(identifier string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(identifier) + "`"
}
