package store

import (
	"context"
	"fmt"
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
// does not, in every table that is partitioned by day and in ClickHouse's own logs, and returns them, also beside an error.
// A day goes only when its last second is too old. Dropping frees the disk at once, unlike deleting rows.
func (db *DB) Retain(ctx context.Context, others time.Duration) (dropped []Dropped, err error) {
	age := db.retention.Ages(others)
	all, err := db.partitions(ctx)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	for _, p := range all {
		if first := now.Add(-max(age(SignalOf(p.table)), day)); !p.day.Before(midnight(first)) {
			continue
		}
		if err := db.drop(ctx, p); err != nil {
			return dropped, err
		}
		dropped = append(dropped, p.dropped(TooOld))
	}
	return dropped, nil
}

const day = 24 * time.Hour

// midnight is when the UTC day of t began.
func midnight(t time.Time) time.Time { return t.UTC().Truncate(day) }

// drop drops a partition, whatever its size: the server's guard against dropping much by mistake would keep exactly the
// partitions that fill the disk.
func (db *DB) drop(ctx context.Context, p partition) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"max_partition_size_to_drop": 0}))
	query := fmt.Sprintf("ALTER TABLE %s.%s DROP PARTITION ID '%s'", quote(p.database), quote(p.table), p.id)
	if err := db.Exec(ctx, query); err != nil {
		return fmt.Errorf("drop partition %s of %s.%s: %w", p.id, p.database, p.table, err)
	}
	return nil
}

func quote(identifier string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(identifier) + "`"
}
