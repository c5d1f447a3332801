// Package storetest gives tests a real, empty, migrated store.
package storetest

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/midwatch/midwatch/deploy/clickhouse/clickhousetest"
	"github.com/midwatch/midwatch/internal/store"
)

// databases counts the databases of this process's server.
var databases atomic.Int64

// Open returns a store of its own for this test: a fresh database, with the current schema, on the one embedded server
// of the test binary. It skips the test if libchdb is not installed.
func Open(t testing.TB) *store.DB {
	t.Helper()
	db := Empty(t)
	if err := store.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	return db
}

// Empty is Open without the schema.
func Empty(t testing.TB) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), Config(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Config is how to reach the test binary's server, with the name of a database that does not exist yet. For tests of a
// part that opens the store by itself.
func Config(t testing.TB) store.Config {
	t.Helper()
	s := clickhousetest.Shared(t)
	return store.Config{
		Addresses: []string{s.Address}, TLS: s.TLS, Database: fmt.Sprintf("test_%d", databases.Add(1)), MaxConns: 8,
	}
}
