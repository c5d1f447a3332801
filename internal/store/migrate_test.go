package store_test

import (
	"strings"
	"testing"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

func TestMigrateTwiceAndAtOnce(t *testing.T) {
	db := storetest.Empty(t)
	errs := make(chan error)
	for range 4 {
		go func() { errs <- store.Migrate(t.Context(), db) }()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if err := store.Migrate(t.Context(), db); err != nil {
		t.Error(err)
	}
	var tables uint64
	if err := db.QueryRow(t.Context(), "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name IN ('spans', 'logs', 'metric_series', 'metric_samples', 'events', 'request_minutes', 'edge_minutes', 'k8s_objects', 'dead_letters')").Scan(&tables); err != nil || tables != 9 {
		t.Errorf("%d tables, %v; want 9", tables, err)
	}
}

// TestMigrateGoesOnAfterACrash finds a part of a file done and its version not noted.
func TestMigrateGoesOnAfterACrash(t *testing.T) {
	db := storetest.Empty(t)
	store.MigrateTo(t, db, 0)
	store.MigrateAndDie(t, db, 0, 3)
	if err := store.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if err := db.Exec(t.Context(), "SELECT count() FROM edge_minutes"); err != nil {
		t.Error(err)
	}
}

func TestMigrateRefusesANewerSchema(t *testing.T) {
	db := storetest.Open(t)
	if err := db.Exec(t.Context(), "INSERT INTO schema_versions (version, name) VALUES (9999, 'of the future')"); err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(t.Context(), db); err == nil || !strings.Contains(err.Error(), "newer midwatch") {
		t.Errorf("got %v", err)
	}
}
