package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

func TestOneChangesTheSchemaAtATime(t *testing.T) {
	db := storetest.Empty(t)
	var inside, turns atomic.Int64
	errs := make(chan error)
	for range 4 {
		go func() {
			errs <- store.Locked(t.Context(), db, 1000, func(ctx context.Context) error {
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d at once", n)
				}
				err := db.Exec(ctx, "SELECT sleep(0.3)")
				inside.Add(-1)
				turns.Add(1)
				return err
			})
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if turns.Load() != 4 {
		t.Errorf("%d took their turn, want 4", turns.Load())
	}
}

// TestADeadHolderLosesTheLock leaves the lock as a process that was killed does, and finds it taken over.
func TestADeadHolderLosesTheLock(t *testing.T) {
	db := storetest.Empty(t)
	if err := db.Exec(t.Context(), "CREATE TABLE schema_lock_7 (nothing UInt8) ENGINE = Null COMMENT 'its last beat'"); err != nil {
		t.Fatal(err)
	}
	err := store.Locked(t.Context(), db, 20, func(ctx context.Context) error {
		var name string
		if err := db.QueryRow(ctx, "SELECT arrayStringConcat(groupArray(name)) FROM system.tables WHERE database = currentDatabase()").Scan(&name); err != nil {
			return err
		}
		if name != "schema_lock_8" {
			return fmt.Errorf("tables: %s", name)
		}
		// A holder that only seemed dead is told so.
		if err := db.Exec(ctx, "CREATE TABLE schema_lock_9 (nothing UInt8) ENGINE = Null COMMENT 'free'"); err != nil {
			return err
		}
		if err := db.Exec(ctx, "DROP TABLE schema_lock_8"); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	})
	if err == nil {
		t.Error("the lock was lost and nobody said so")
	}
	if err := store.Locked(t.Context(), db, 20, func(context.Context) error { return nil }); err != nil {
		t.Error(err)
	}
}

// TestOneConnectionIsEnough migrates with a pool of one, also after a holder that died, and keeps the lock through a statement that takes the
// pool's only connection for longer than the dead are waited for.
func TestOneConnectionIsEnough(t *testing.T) {
	cfg := storetest.Config(t)
	cfg.MaxConns = 1
	db, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Exec(t.Context(), "CREATE TABLE schema_lock_1 (nothing UInt8) ENGINE = Null COMMENT 'free'"); err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	cfg.MaxConns = 2
	other, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	const beat = 500 // milliseconds, of which ten without a beat are death: not even a busy machine keeps a beat for so long
	var inside atomic.Bool
	entered, done := make(chan struct{}), make(chan error)
	go func() {
		<-entered
		done <- store.Locked(t.Context(), other, beat, func(context.Context) error {
			if inside.Load() {
				t.Error("the lock was lost while a long statement ran")
			}
			return nil
		})
	}()
	err = store.Locked(t.Context(), db, beat, func(ctx context.Context) error {
		inside.Store(true)
		defer inside.Store(false)
		close(entered)
		return db.Exec(ctx, "SELECT sleepEachRow(1) FROM numbers(8) SETTINGS max_block_size = 1, max_threads = 1")
	})
	if err := errors.Join(err, <-done); err != nil {
		t.Error(err)
	}
}

// TestALockThatWasPassedByIsNotTaken has a process make its lock so late that others took that number, and a further one, meanwhile.
func TestALockThatWasPassedByIsNotTaken(t *testing.T) {
	db := storetest.Empty(t)
	if err := db.Exec(t.Context(), "CREATE TABLE schema_lock_5 (nothing UInt8) ENGINE = Null COMMENT 'a beat'"); err != nil {
		t.Fatal(err)
	}
	if taken, err := store.MakeLock(t.Context(), db, 3); err != nil || taken {
		t.Errorf("taken: %v, %v", taken, err)
	}
	var names string
	if err := db.QueryRow(t.Context(), "SELECT arrayStringConcat(groupArray(name)) FROM system.tables WHERE database = currentDatabase()").Scan(&names); err != nil || names != "schema_lock_5" {
		t.Errorf("tables: %s, %v", names, err)
	}
}

// deaf is a store that never answers who gives a lock back.
type deaf struct{ driver.Conn }

func (d deaf) Exec(ctx context.Context, query string, args ...any) error {
	if strings.HasSuffix(query, "MODIFY COMMENT 'free'") {
		<-ctx.Done()
		return ctx.Err()
	}
	return d.Conn.Exec(ctx, query, args...)
}

// TestGivingALockBackEnds gives it back to a store that hangs, as at the end of a process.
func TestGivingALockBackEnds(t *testing.T) {
	db := storetest.Empty(t)
	db.Conn = deaf{db.Conn}
	ended := make(chan error, 1)
	go func() { ended <- store.Locked(t.Context(), db, 50, func(context.Context) error { return nil }) }()
	select {
	case err := <-ended:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("it is still given back")
	}
}
