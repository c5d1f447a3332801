package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

func count(t *testing.T, db *store.DB, from string) (n uint64) {
	t.Helper()
	if err := db.QueryRow(t.Context(), "SELECT count() FROM "+from).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// running starts a statement and waits until the server is at it.
func running(ctx context.Context, t *testing.T, db *store.DB, query string) (ended chan error) {
	t.Helper()
	ended = make(chan error, 1)
	go func() { ended <- db.Exec(ctx, query) }()
	for deadline := time.Now().Add(30 * time.Second); count(t, db, "system.processes WHERE query LIKE '%sleepEachRow%' AND query NOT LIKE '%system.processes%'") == 0; time.Sleep(10 * time.Millisecond) {
		select {
		case err := <-ended:
			t.Fatalf("%s ended: %v", query, err)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not begin", query)
		}
	}
	return ended
}

// TestALostNoteCostsNoRows loses the notes of migrations that were applied, as a power cut may.
func TestALostNoteCostsNoRows(t *testing.T) {
	for lost, refused := range map[string]bool{"version = 4": false, "version = 7": false, "version >= 4": true, "version >= 7": true} {
		db := storetest.Open(t)
		for _, query := range []string{
			"INSERT INTO spans (time, service, kind) SELECT now(), 'cart', 'server'",
			"INSERT INTO logs (time, event_name) SELECT now(), 'midwatch.deployment'",
			"INSERT INTO metric_samples (series_id, time, value) SELECT 1, now(), 1",
			"DELETE FROM schema_versions WHERE " + lost,
		} {
			if err := db.Exec(t.Context(), query); err != nil {
				t.Fatalf("%s: %v", query, err)
			}
		}
		err := store.Migrate(t.Context(), db)
		if (err != nil) != refused {
			t.Errorf("%s lost: %v", lost, err)
		}
		for _, table := range []string{"spans", "logs", "log_minutes", "events", "metric_samples"} {
			if n := count(t, db, table); n != 1 {
				t.Errorf("%s lost: %s has %d rows, want 1", lost, table, n)
			}
		}
	}
}

// TestWhoTakesOverEndsWhatTheDeadLeftRunning has the server still work on a statement of a holder without a beat.
func TestWhoTakesOverEndsWhatTheDeadLeftRunning(t *testing.T) {
	db := storetest.Empty(t)
	for _, query := range []string{
		"CREATE TABLE schema_lock_7 (nothing UInt8) ENGINE = Null COMMENT 'its last beat'",
		"CREATE TABLE copied (n UInt64) ENGINE = MergeTree ORDER BY n",
	} {
		if err := db.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	ended := running(store.UnderLock(t.Context(), db, 7), t, db, "INSERT INTO copied SELECT number + sleepEachRow(0.5) FROM numbers(120) SETTINGS max_block_size = 1")
	err := store.Locked(t.Context(), db, 20, func(context.Context) error {
		select {
		case err := <-ended:
			if err == nil {
				t.Error("it went on to its end")
			}
		case <-time.After(10 * time.Second):
			t.Error("it still runs")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestAnInsertThatRunsIsCopied upgrades while a process of the version before still inserts.
func TestAnInsertThatRunsIsCopied(t *testing.T) {
	db := storetest.Empty(t)
	store.MigrateTo(t, db, 2)
	ended := running(t.Context(), t, db, "INSERT INTO metrics (time, service, name, value) SELECT now(), 'late', 'late', sleepEachRow(0.3) FROM numbers(20) SETTINGS max_block_size = 1")
	if err := store.Migrate(t.Context(), db); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := count(t, db, "metric_samples"); n != 20 {
		t.Errorf("%d rows of the late insert, want 20", n)
	}
}

// TestWhoLostTheLockDoesNothingMore wakes a holder from whom the lock was taken while it slept.
func TestWhoLostTheLockDoesNothingMore(t *testing.T) {
	db := storetest.Empty(t)
	store.MigrateTo(t, db, 2)
	if err := db.Exec(t.Context(), "CREATE TABLE schema_lock_8 (nothing UInt8) ENGINE = Null"); err != nil {
		t.Fatal(err)
	}
	if err := store.MigrateHolding(t, db, 3, 7); err == nil || !strings.Contains(err.Error(), "another process took the lock") {
		t.Errorf("got %v", err)
	}
	if n := count(t, db, "system.tables WHERE database = currentDatabase() AND name = 'spans'"); n != 1 {
		t.Error("it set spans aside all the same")
	}
}

// TestRowsThatWereNotCopiedAreNotDropped has a row come after the copy.
func TestRowsThatWereNotCopiedAreNotDropped(t *testing.T) {
	for version, late := range map[uint32]string{
		4: "INSERT INTO spans_1 (time, service, kind) SELECT now(), 'late', 'server'",
		7: "INSERT INTO metrics_1 (time, service, name) SELECT now(), 'late', 'late'",
	} {
		db := filled(t, 2)
		store.MigrateTo(t, db, version)
		if err := db.Exec(t.Context(), late); err != nil {
			t.Fatal(err)
		}
		if err := db.Exec(t.Context(), store.LastStatement(t, version)); err == nil || !strings.Contains(err.Error(), "start again") {
			t.Errorf("version %d: got %v", version, err)
		}
	}
}
