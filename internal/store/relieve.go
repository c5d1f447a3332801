package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrOnlyToday means that the disk is fuller than it may be and nothing is left to drop but what today brought.
var ErrOnlyToday = errors.New("the disk is fuller than it may be, and the store has nothing left but today's rows")

// ErrOthers means that the disk is fuller than it may be because of files that are not the store's: dropping its days would
// cost its history and not make the room.
var ErrOthers = errors.New("the disk is fuller than it may be, and it is others' files that fill it")

// leastDays are kept, today's included, where others hold more of the disk than the store.
const leastDays = 3

// Relieve drops the oldest partitions, over all tables, until no more of the disk is in use than allowed, and returns them,
// also beside an error. Today's stay: if that is not enough, it returns ErrOnlyToday. Where others hold more of the disk than
// the store, it drops for their sake only what makes the room that is missing, and keeps leastDays: else it returns ErrOthers. Of several processes one drops and returns it.
// In a cluster what one server needs gone goes from all, so that no day is half there: what was made of it would be made again of that half. So it is an error, and nothing goes,
// if a shard cannot be reached.
func (db *DB) Relieve(ctx context.Context) (dropped []Dropped, err error) {
	servers, err := db.servers(ctx)
	if err != nil {
		return nil, fmt.Errorf("make room: %w", err)
	}
	over, err := servers.look(ctx)
	if err != nil || !over {
		return nil, err
	}
	if !servers.mayDrop() {
		return nil, servers.problem()
	}
	err = aloneOn(ctx, servers, func(ctx context.Context) error {
		dropped, err = servers.relieve(ctx)
		return err
	})
	return dropped, err
}

// fullness is what is in use of the store's fullest disk, and by whom, in bytes.
type fullness struct {
	used, ours uint64 // of the disk by whatever, and by the server's tables
	stored     uint64 // by this database's tables, on whichever disk
	overShare  uint64 // by which used is more than the share allowed
	overBytes  uint64 // by which stored is more than allowed
}

func (f fullness) within() bool { return f.overShare == 0 && f.overBytes == 0 }

// byOthers says whether the disk is mostly other people's.
func (f fullness) byOthers() bool { return f.ours < f.used-min(f.ours, f.used) }

// mayDrop says whether p, the oldest of what is left, may go for what is too much.
func (f fullness) mayDrop(p partition, left []partition) bool {
	today := midnight(time.Now())
	if f.overBytes > 0 || !f.byOthers() {
		return p.day.Before(today)
	}
	first := today.AddDate(0, 0, 1-leastDays)
	return p.day.Before(first) && f.overShare <= bytesBefore(first, left)
}

// bytesBefore is what the partitions of the days before first take.
func bytesBefore(first time.Time, all []partition) (bytes uint64) {
	for _, p := range all {
		if p.day.Before(first) {
			bytes += p.bytes
		}
	}
	return bytes
}

// problem says why there is still too much.
func (f fullness) problem() error {
	if f.overBytes == 0 && f.byOthers() {
		return fmt.Errorf("%w: of %d bytes in use %d are the store's, and %d are too many; make room, give the store a disk of its own, or raise store.retention.disk_share",
			ErrOthers, f.used, f.ours, f.overShare)
	}
	return fmt.Errorf("%w: %d bytes too many; give it a larger disk, or keep what it gets for a shorter time", ErrOnlyToday, max(f.overShare, f.overBytes))
}

// fullness asks for the disk of the store that is the fullest. Parts whose partition was dropped, and whose files go as soon
// as no query reads them, count as gone.
func (db *DB) fullness(ctx context.Context) (f fullness, err error) {
	const mine = "(SELECT * FROM system.parts WHERE database = currentDatabase())"
	var total, leaving uint64
	err = db.QueryRow(ctx, `WITH (SELECT argMax(name, (total_space - free_space) / total_space) FROM system.disks
				WHERE total_space BETWEEN 1 AND 1e18 AND name IN (SELECT disk_name FROM `+mine+`)) AS fullest -- object stores have no end
		SELECT ifNull((SELECT any(toUInt64(total_space - free_space)) FROM system.disks WHERE name = fullest), 0),
			ifNull((SELECT any(total_space) FROM system.disks WHERE name = fullest), 0),
			ifNull((SELECT sum(bytes_on_disk) FROM system.parts WHERE disk_name = fullest), 0),
			ifNull((SELECT sum(bytes_on_disk) FROM `+mine+` WHERE active), 0),
			ifNull((SELECT sum(bytes_on_disk) FROM `+mine+` WHERE NOT active AND (table, partition_id) NOT IN
				(SELECT table, partition_id FROM `+mine+` WHERE active AND rows > 0)), 0)`).
		Scan(&f.used, &total, &f.ours, &f.stored, &leaving)
	if err != nil {
		return fullness{}, fmt.Errorf("ask how full the disk is: %w", err)
	}
	f.used, f.ours = beyond(f.used, leaving), beyond(f.ours, leaving)
	f.overShare = beyond(f.used, uint64(float64(total)*db.cfg.Retention.DiskShare))
	if db.cfg.Retention.MaxBytes > 0 {
		f.overBytes = beyond(f.stored, uint64(db.cfg.Retention.MaxBytes))
	}
	return f, nil
}

// beyond is by how much n is more than limit.
func beyond(n, limit uint64) uint64 { return n - min(n, limit) }
