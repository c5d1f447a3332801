package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

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
	var inside atomic.Bool
	entered, done := make(chan struct{}), make(chan error)
	go func() {
		<-entered
		done <- store.Locked(t.Context(), other, 100, func(context.Context) error {
			if inside.Load() {
				t.Error("the lock was lost while a long statement ran")
			}
			return nil
		})
	}()
	err = store.Locked(t.Context(), db, 100, func(ctx context.Context) error {
		inside.Store(true)
		defer inside.Store(false)
		close(entered)
		return db.Exec(ctx, "SELECT sleep(2.9)")
	})
	if err := errors.Join(err, <-done); err != nil {
		t.Error(err)
	}
}
