package ingest

import (
	"slices"
	"sync"
	"time"
)

// insertBounds are the bounds of the histogram of how long inserts take, in seconds.
var insertBounds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}

// Outcomes of inserts, as attribute values.
const (
	insertStored  = "stored"
	insertRefused = "refused" // by the store, with a reason
	insertUnknown = "unknown" // no answer, or none that says
)

// inserts measures the inserts into each table since the start. Safe for concurrent use.
type inserts struct {
	mu     sync.Mutex
	of     map[insertKey]*insertTimes
	latest map[string]time.Time // :: table → when rows were stored in it last
}

type insertKey struct{ table, outcome string }

// insertTimes is what inserts of a kind took together.
type insertTimes struct {
	count, rows uint64
	seconds     float64
	buckets     []uint64 // :: one per bound and one above
}

func newInserts() *inserts {
	return &inserts{of: map[insertKey]*insertTimes{}, latest: map[string]time.Time{}}
}

// since says whether rows were stored in a table since a time.
func (i *inserts) since(table string, at time.Time) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.latest[table].After(at)
}

func (i *inserts) add(table, outcome string, rows int, took time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if outcome == insertStored {
		i.latest[table] = time.Now()
	}
	k := insertKey{table, outcome}
	t := i.of[k]
	if t == nil {
		t = &insertTimes{buckets: make([]uint64, len(insertBounds)+1)}
		i.of[k] = t
	}
	at, _ := slices.BinarySearch(insertBounds, took.Seconds())
	t.buckets[at]++
	t.count++
	t.rows += uint64(rows)
	t.seconds += took.Seconds()
}

func (i *inserts) snapshot() map[insertKey]insertTimes {
	i.mu.Lock()
	defer i.mu.Unlock()
	out := make(map[insertKey]insertTimes, len(i.of))
	for k, t := range i.of {
		c := *t
		c.buckets = slices.Clone(t.buckets)
		out[k] = c
	}
	return out
}
