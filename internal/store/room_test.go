package store_test

import (
	"errors"
	"testing"

	"github.com/midwatch/midwatch/internal/store"
)

// TestUpgradeWithoutRoomTouchesNothing has more rows of version 2 than its disk could hold twice.
func TestUpgradeWithoutRoomTouchesNothing(t *testing.T) {
	cfg, _ := smallServer(t, 260<<20)
	db, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	store.MigrateTo(t, db, 2)
	if err := db.Exec(t.Context(), "SYSTEM STOP MERGES"); err != nil { // they would take room, too
		t.Fatal(err)
	}
	for range 6 {
		if err := db.Exec(t.Context(), "INSERT INTO logs (time, body) SELECT now(), randomString(1000) FROM numbers(25000)"); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Migrate(t.Context(), db); !errors.Is(err, store.ErrNoRoom) {
		t.Errorf("got %v, want ErrNoRoom", err)
	}
	if got, want := answers(t, db, "SELECT toString((count(), (SELECT max(version) FROM schema_versions))) FROM logs")[0], "(150000,2)"; got != want {
		t.Errorf("rows and version are %s, want %s", got, want)
	}
}
