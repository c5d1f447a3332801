package store

import (
	"context"
	"errors"
	"fmt"
)

// ErrNoRoom means that the disk has not the room for the copies that a migration makes. Nothing was changed.
var ErrNoRoom = errors.New("the disk has no room to copy what is stored into new tables")

// copying are the versions that set tables aside whose rows the next ones copy, and drop, in groups: one group is there twice at a time.
var copying = map[uint32][][]string{
	3: {{"spans", "logs", "events"}, metricsOfOld},
	6: {metricsOfOld},
}

var metricsOfOld = []string{"metrics", "metric_histograms"}

// room returns an error, before anything was set aside for a migration, if what it has copied may not fit beside what is there. A copy is taken to be
// as large as what it is made of, which it rarely is.
func (m migration) room(ctx context.Context, db *DB) error {
	var most, free uint64
	var copied []string
	for _, tables := range copying[m.version] {
		var bytes uint64
		if err := db.QueryRow(ctx, "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase() AND has(?, table)", tables).Scan(&bytes); err != nil {
			return fmt.Errorf("migrate the store: ask how large its tables are: %w", err)
		}
		if bytes > most {
			most, copied = bytes, tables
		}
	}
	if most == 0 {
		return nil
	}
	err := db.QueryRow(ctx, `SELECT sum(least(free_space, 1000000000000000000)) FROM system.disks
		WHERE name IN (SELECT disk_name FROM system.parts WHERE active AND database = currentDatabase() AND has(?, table))`, copied).Scan(&free)
	if err != nil {
		return fmt.Errorf("migrate the store: ask how much room it has: %w", err)
	}
	if free < most {
		return fmt.Errorf("migrate the store: %w: %v take %d bytes, and %d are free; make room, give the store a larger disk, or let midwatch as it was drop old days first (midwatch settings --telemetry DAYS)",
			ErrNoRoom, copied, most, free)
	}
	return nil
}
