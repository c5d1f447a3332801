package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Retain drops the partitions whose rows are all older than age, in every table that is partitioned by day, and
// returns how many. A day goes only when its last second is too old. Dropping frees the disk at once, unlike deleting rows.
func (db *DB) Retain(ctx context.Context, age time.Duration) (dropped int, err error) {
	first := time.Now().UTC().Add(-age).Format("20060102") // the oldest day that still has something to keep
	rows, err := db.Query(ctx, `SELECT DISTINCT table, partition_id FROM system.parts
		WHERE database = currentDatabase() AND active AND match(partition_id, '^[0-9]{8}$') AND partition_id < ?
		ORDER BY partition_id, table`, first)
	if err != nil {
		return 0, fmt.Errorf("look for old partitions: %w", err)
	}
	type partition struct{ table, id string }
	var old []partition
	for rows.Next() {
		var p partition
		if err := rows.Scan(&p.table, &p.id); err != nil {
			return 0, fmt.Errorf("look for old partitions: %w", err)
		}
		old = append(old, p)
	}
	if err := rows.Err(); err != nil {
		return 0, fmt.Errorf("look for old partitions: %w", err)
	}
	// The server's guard against dropping much by mistake would keep exactly the partitions that fill the disk.
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"max_partition_size_to_drop": 0}))
	for _, p := range old {
		if err := db.Exec(ctx, fmt.Sprintf("ALTER TABLE `%s` DROP PARTITION ID '%s'", p.table, p.id)); err != nil {
			return dropped, fmt.Errorf("drop partition %s of %s: %w", p.id, p.table, err)
		}
		dropped++
	}
	return dropped, nil
}
