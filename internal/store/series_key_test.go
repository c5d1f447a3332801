package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

// keysOf asks for the key from several processes at once.
func keysOf(t *testing.T, open func() *store.DB, processes int) []store.SeriesKey {
	t.Helper()
	type answer struct {
		key store.SeriesKey
		err error
	}
	answers := make(chan answer)
	for range processes {
		db := open()
		go func() {
			key, err := db.SeriesKey(t.Context())
			answers <- answer{key, err}
		}()
	}
	var out []store.SeriesKey
	for range processes {
		a := <-answers
		if a.err != nil {
			t.Error(a.err)
		}
		out = append(out, a.key)
	}
	return out
}

func TestAllIngestersOfAStoreHaveOneKey(t *testing.T) {
	db := storetest.Open(t)
	beside := func() *store.DB { return storetest.Beside(t, db) }
	keys := keysOf(t, beside, 4)
	for _, key := range append(keys, keysOf(t, beside, 1)...) {
		if key != keys[0] || key.Secret == [16]byte{} {
			t.Errorf("%v and %v", key, keys[0])
		}
	}
	if n := count(t, db, "series_key"); n != 1 {
		t.Errorf("%d keys", n)
	}
	other, err := storetest.Open(t).SeriesKey(t.Context())
	if err != nil || other.Secret == keys[0].Secret {
		t.Errorf("another store has the same key; %v", err)
	}
}

func TestAllIngestersOfAClusterHaveOneKey(t *testing.T) {
	db := openCluster(t, 2)
	keys := keysOf(t, func() *store.DB { return db }, 3)
	if diff := cmp.Diff([]store.SeriesKey{keys[0], keys[0], keys[0]}, keys); diff != "" || keys[0].Secret == [16]byte{} {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := count(t, db, "series_key"); n != 1 {
		t.Errorf("%d keys", n)
	}
}

// TestTheOldestKeyCounts where two were made.
func TestTheOldestKeyCounts(t *testing.T) {
	db := storetest.Open(t)
	key, err := db.SeriesKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Exec(t.Context(), "INSERT INTO series_key SELECT made + 1, since, toFixedString('another', 16) FROM series_key"); err != nil {
		t.Fatal(err)
	}
	if again, err := db.SeriesKey(t.Context()); err != nil || again != key {
		t.Errorf("%v, %v; want %v", again, err, key)
	}
}

// TestAKeySaysSinceWhenAllIdsAreMadeWithIt for a store that had series before.
func TestAKeySaysSinceWhenAllIdsAreMadeWithIt(t *testing.T) {
	db := storetest.Open(t)
	if err := db.Exec(t.Context(), "INSERT INTO metric_series (day, series_id, name) VALUES ('2026-11-20', 1, 'a'), ('2026-11-22', 2, 'b')"); err != nil {
		t.Fatal(err)
	}
	key, err := db.SeriesKey(t.Context())
	if want := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC); err != nil || !key.Since.Equal(want) {
		t.Errorf("%v, %v; want %v", key.Since, err, want)
	}
}
