package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrOnlyToday means that the disk is fuller than it may be and nothing is left to drop but what today brought.
var ErrOnlyToday = errors.New("the disk is fuller than it may be, and the store has nothing left but today's rows")

// Relieve drops the oldest partitions, over all tables, until no more of the disk is in use than allowed, and returns them,
// also beside an error. Today's stay: if that is not enough, it returns ErrOnlyToday.
func (db *DB) Relieve(ctx context.Context) (dropped []Dropped, err error) {
	over, err := db.excess(ctx)
	if err != nil || over == 0 {
		return nil, err
	}
	all, err := db.partitions(ctx)
	if err != nil {
		return nil, err
	}
	today := midnight(time.Now())
	for _, p := range all {
		if !p.day.Before(today) {
			continue
		}
		if err := db.drop(ctx, p); err != nil {
			return dropped, err
		}
		dropped = append(dropped, p.dropped(DiskFull))
		if over, err = db.excess(ctx); err != nil || over == 0 {
			return dropped, err
		}
	}
	return dropped, fmt.Errorf("%w: %d bytes too many; give it a larger disk, or keep what it gets for a shorter time", ErrOnlyToday, over)
}

// excess is by how many bytes the fullest disk of the store, or the store on it, is larger than allowed. Parts whose
// partition was dropped, and whose files go as soon as no query reads them, count as gone.
func (db *DB) excess(ctx context.Context) (bytes uint64, err error) {
	const ours = "(SELECT * FROM system.parts WHERE database = currentDatabase())"
	var used, total, stored, leaving uint64
	err = db.QueryRow(ctx, `SELECT
			ifNull(argMax(toUInt64(total_space - free_space), (total_space - free_space) / total_space), 0),
			ifNull(argMax(total_space, (total_space - free_space) / total_space), 0),
			ifNull((SELECT sum(bytes_on_disk) FROM `+ours+` WHERE active), 0),
			ifNull((SELECT sum(bytes_on_disk) FROM `+ours+` WHERE NOT active AND (table, partition_id) NOT IN
				(SELECT table, partition_id FROM `+ours+` WHERE active AND rows > 0)), 0)
		FROM system.disks WHERE total_space BETWEEN 1 AND 1e18 AND name IN (SELECT disk_name FROM `+ours+`)`). // object stores have no end
		Scan(&used, &total, &stored, &leaving)
	if err != nil {
		return 0, fmt.Errorf("ask how full the disk is: %w", err)
	}
	bytes = beyond(used, uint64(float64(total)*db.retention.DiskShare)+leaving)
	if db.retention.MaxBytes > 0 {
		bytes = max(bytes, beyond(stored, uint64(db.retention.MaxBytes)))
	}
	return bytes, nil
}

func beyond(n, limit uint64) uint64 {
	if n <= limit {
		return 0
	}
	return n - limit
}
