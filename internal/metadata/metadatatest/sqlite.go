package metadatatest

import (
	"path/filepath"
	"testing"

	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/seal"
)

// Open returns an empty store in a SQLite file that is closed and removed when the test ends.
func Open(t testing.TB) *metadata.DB {
	t.Helper()
	return OpenDSN(t, "sqlite:"+filepath.Join(t.TempDir(), "metadata.db"), Ring(t))
}

// OpenDSN opens a store that is closed when the test ends.
func OpenDSN(t testing.TB, dsn string, ring *seal.Ring) *metadata.DB {
	t.Helper()
	db, err := metadata.Open(t.Context(), metadata.Config{DSN: dsn, Ring: ring})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// Ring returns a key ring of the test's own.
func Ring(t testing.TB) *seal.Ring {
	t.Helper()
	ring, err := seal.LoadRing(filepath.Join(t.TempDir(), "metadata.key"))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}
