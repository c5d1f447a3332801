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
	if !pool.awaited()[second.mark] || pool.awaited()[first.mark] || first.mark == second.mark {
		t.Errorf("the marks of those in use are %v", pool.awaited())
	}
	pool.put(second, nil)
	if pool.awaited()[second.mark] {
		t.Error("who is put back is still awaited")
	}
	if len(pool.idle) != 0 || !second.IsClosed() {
		t.Error("a connection that grew old in use is kept")
	}
}
