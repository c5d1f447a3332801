// Package storetest gives tests a real, empty, migrated store.
package storetest

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

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
	return open(t, Config(t))
}

func open(t testing.TB, cfg store.Config) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Beside is a store as another process has it: the same database, other connections.
func Beside(t testing.TB, db *store.DB) *store.DB {
	t.Helper()
	cfg := at(t)
	cfg.Database = db.Database()
	return open(t, cfg)
}

// Config is how to reach the test binary's server, with the name of a database that does not exist yet and is dropped with the test: every table takes
// some of the server's memory. For tests of a part that opens the store by itself.
func Config(t testing.TB) store.Config {
	t.Helper()
	return fresh(t, at(t))
}

// at is where the test binary's server is.
func at(t testing.TB) store.Config {
	t.Helper()
	if shards, err := strconv.Atoi(os.Getenv(clusterEnvironment)); err == nil {
		return clusterAt(t, shards)
	}
	s := clickhousetest.Shared(t)
	return store.Config{Addresses: []string{s.Address}, TLS: s.TLS, MaxConns: 8}
}

// fresh names a database, and drops it when the test and what it has opened are over.
func fresh(t testing.TB, cfg store.Config) store.Config {
	t.Helper()
	outside := cfg
	outside.Database = "default"
	cfg.Database = fmt.Sprintf("test_%d", databases.Add(1))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		db, err := store.Open(ctx, outside)
		if err != nil {
			t.Errorf("drop %s: %v", cfg.Database, err)
			return
		}
		defer db.Close()
		if err := db.Exec(ctx, "DROP DATABASE IF EXISTS "+cfg.Database+" SYNC"); err != nil {
			t.Errorf("drop %s: %v", cfg.Database, err)
		}
	})
	return cfg
}
