package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// A migration that moves rows must not run twice at once, nor two be at retention, and ClickHouse knows no lock. Making a table is the one thing that only one can do:
// the lock is held by whoever made the table schema_lock_N of the highest N. Its comment is a beat while it is held and lockFree after.
const (
	lockPrefix = "schema_lock_"
	lockFree   = "free"
)

// lockTiming says how often a holder shows that it lives, how often others look, and for how long no beat makes it dead.
type lockTiming struct{ beat, look, dead time.Duration }

func usualTiming() lockTiming {
	return lockTiming{beat: time.Second, look: 200 * time.Millisecond, dead: 20 * time.Second}
}

// locked runs change while no other process runs one. What change does is to end with its context, which ends when the lock is lost.
func locked(ctx context.Context, db *DB, timing lockTiming, change func(context.Context, heldLock) error) error {
	n, err := takeLock(ctx, db, timing)
	if err != nil {
		return fmt.Errorf("lock the schema: %w", err)
	}
	return holding(ctx, db, n, timing, change)
}

// alone is locked, but runs nothing if somebody who lives still holds the lock after the time in which one who is dead loses it.
func alone(ctx context.Context, db *DB, timing lockTiming, change func(context.Context, heldLock) error) error {
	waiting, cancel := context.WithTimeout(ctx, timing.dead*3/2)
	defer cancel()
	n, err := takeLock(waiting, db, timing)
	if waiting.Err() != nil && ctx.Err() == nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("lock the schema: %w", err)
	}
	return holding(ctx, db, n, timing, change)
}

// holding runs change while this process holds lock n, and gives it back. Beats have a connection of their own, since a change may take all
// others of the pool for as long as it likes.
func holding(ctx context.Context, db *DB, n uint64, timing lockTiming, change func(context.Context, heldLock) error) error {
	cfg := db.cfg
	cfg.MaxConns = 1
	own, err := connect(ctx, cfg, cfg.Database)
	if err != nil {
		return fmt.Errorf("lock the schema: %w", errors.Join(err, freeLock(ctx, db, n, timing)))
	}
	held, lose := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		beatLock(held, own, n, timing.beat, lose)
	}()
	err = change(held, heldLock{db, n})
	if lost := context.Cause(held); err != nil && lost != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", lost, err)
	}
	lose(nil)
	<-done
	return errors.Join(err, freeLock(ctx, db, n, timing), own.Close())
}

// freeLock gives a lock back, also after the end of ctx. It does not try for longer than until the holder is taken for dead anyway.
func freeLock(ctx context.Context, db *DB, n uint64, timing lockTiming) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timing.dead)
	defer cancel()
	return commentLock(ctx, db, n, lockFree)
}

// takeLock waits until the lock is free, or its holder dead, and returns the number it is held by.
func takeLock(ctx context.Context, db *DB, timing lockTiming) (uint64, error) {
	tick := time.NewTicker(timing.look)
	defer tick.Stop()
	var seen uint64
	var beat string
	var since time.Time
	for {
		n, comment, err := lockHolder(ctx, db)
		if err != nil {
			return 0, err
		}
		if n != seen || comment != beat {
			seen, beat, since = n, comment, time.Now()
		}
		if n == 0 || comment == lockFree || time.Since(since) > timing.dead {
			taken, err := makeLock(ctx, db, n+1)
			if err == nil && taken && n > 0 && comment != lockFree {
				err = endStatements(ctx, db)
			}
			if err != nil || taken {
				return n + 1, err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// lockHolder returns the number of the latest lock, 0 if there never was one, and its comment.
func lockHolder(ctx context.Context, db *DB) (n uint64, comment string, err error) {
	err = db.QueryRow(ctx, `SELECT max(toUInt64OrZero(substring(name, length(?) + 1))) AS n, argMax(comment, toUInt64OrZero(substring(name, length(?) + 1)))
		FROM system.tables WHERE database = currentDatabase() AND startsWith(name, ?)`, lockPrefix, lockPrefix, lockPrefix).Scan(&n, &comment)
	return n, comment, err
}

// makeLock says whether this process was the one that made lock n; if so it clears away those before. Whoever slept before it came to make it may
// make one that others took, gave back and cleared away meanwhile: that one holds nothing.
func makeLock(ctx context.Context, db *DB, n uint64) (bool, error) {
	err := db.Exec(ctx, fmt.Sprintf("CREATE TABLE %s%d (nothing UInt8) ENGINE = Null", lockPrefix, n))
	if hasCode(err, tableExists) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	latest, _, err := lockHolder(ctx, db)
	if err != nil {
		return false, err
	}
	if latest > n {
		return false, db.Exec(ctx, fmt.Sprintf("DROP TABLE IF EXISTS %s%d", lockPrefix, n))
	}
	var names []string // all before the first goes: a pool may have no second connection
	err = db.QueryRow(ctx, "SELECT groupArray(name) FROM system.tables WHERE database = currentDatabase() AND startsWith(name, ?)", lockPrefix).Scan(&names)
	if err != nil {
		return false, err
	}
	for _, name := range names {
		if old, err := strconv.ParseUint(strings.TrimPrefix(name, lockPrefix), 10, 64); err != nil || old >= n {
			continue
		}
		if err := db.Exec(ctx, "DROP TABLE IF EXISTS "+name); err != nil {
			return false, err
		}
	}
	return true, nil
}

// beatLock shows that the lock's holder lives until ctx ends, and calls lose when somebody thought otherwise.
func beatLock(ctx context.Context, db driver.Conn, n uint64, every time.Duration, lose context.CancelCauseFunc) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case at := <-tick.C:
			if err := commentLock(ctx, db, n, at.UTC().Format(time.RFC3339Nano)); hasCode(err, unknownTable) {
				lose(errLockLost)
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func commentLock(ctx context.Context, db driver.Conn, n uint64, comment string) error {
	return db.Exec(ctx, fmt.Sprintf("ALTER TABLE %s%d MODIFY COMMENT '%s'", lockPrefix, n, comment))
}
