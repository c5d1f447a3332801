package store

import (
	"testing"
	"time"

	"github.com/midwatch/midwatch/deploy/clickhouse/clickhousetest"
)

// TestInsertersDoNotLiveForEver: a pool follows a cluster that changes.
func TestInsertersDoNotLiveForEver(t *testing.T) {
	s := clickhousetest.Shared(t)
	pool := newInserters(Config{Addresses: []string{s.Address}, TLS: s.TLS, Database: "default"}.normal())
	t.Cleanup(func() { _ = pool.close() })
	get := func() inserter {
		t.Helper()
		c, err := pool.get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := get()
	pool.put(first, nil)
	if again := get(); again.Client != first.Client {
		t.Error("a young connection is not used again")
	}
	pool.put(first, nil)
	pool.lifetime = time.Nanosecond // it is older
	second := get()
	if second.Client == first.Client || !first.IsClosed() {
		t.Error("an old connection is used again, or open")
	}
	pool.put(second, nil)
	if len(pool.idle) != 0 || !second.IsClosed() {
		t.Error("a connection that grew old in use is kept")
	}
}
