package store_test

import (
	"fmt"
	"testing"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

// TestCopiesOfManySeriesTakeLittleMemory has series that are 0.5 GB together.
func TestCopiesOfManySeriesTakeLittleMemory(t *testing.T) {
	db := storetest.Empty(t)
	store.MigrateTo(t, db, 6)
	err := db.Exec(t.Context(), `INSERT INTO metrics_1 (time, service, name, value, attributes)
		SELECT toDateTime64('2026-11-20 12:00:00', 9, 'UTC'), 'cart', 'many', number, map('id', toString(number), 'text', repeat('x', 4000)) FROM numbers(120000)
		SETTINGS max_block_size = 4096, min_insert_block_size_bytes = 33554432`)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.MigrateWithin(t, db, 7, 400<<20); err != nil {
		t.Fatal(err)
	}
	if got := answers(t, db, "SELECT toString((count(), uniqExact(series_id))) FROM metric_series FINAL SETTINGS max_memory_usage = 0")[0]; got != fmt.Sprintf("(%d,%[1]d)", 120000) {
		t.Errorf("series: %s", got)
	}
}
