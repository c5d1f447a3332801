package kept_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/midwatch/midwatch/collector/kept"
)

// queue has what a test says.
type queue struct{ queued, settled uint64 }

func (q *queue) Queued() uint64  { return q.queued }
func (q *queue) Settled() uint64 { return q.settled }

func TestNothingIsKeptBeforeItIsTold(t *testing.T) {
	dir, q := t.TempDir(), &queue{queued: 2, settled: 2}
	f, err := kept.New(filepath.Join(dir, "new"), "known.json", q)
	if err != nil {
		t.Fatal(err)
	}
	load := func() (n int) {
		t.Helper()
		if _, err := f.Load(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	keep := func(n int, taken bool) {
		t.Helper()
		if ok, err := f.Keep(n); ok != taken || err != nil {
			t.Fatalf("keep %d: %v, %v", n, ok, err)
		}
	}
	keep(1, true)
	if n := load(); n != 1 {
		t.Errorf("%d is kept although all is settled; want 1", n)
	}
	q.queued = 4 // two messages that 2 follows from
	keep(2, true)
	q.queued, q.settled = 5, 3
	keep(3, false)
	if n := load(); n != 1 {
		t.Errorf("%d is kept before what was told of it is settled", n)
	}
	q.settled = 4
	if err := f.Settle(); err != nil {
		t.Fatal(err)
	}
	if n := load(); n != 2 {
		t.Errorf("%d is kept, want 2", n)
	}
	if err := f.Last(t.Context(), 4); err == nil || load() != 2 {
		t.Errorf("kept %d without an acknowledgement, error %v", load(), err)
	}
	q.settled = 5
	if err := f.Last(t.Context(), 4); err != nil || load() != 4 {
		t.Errorf("kept %d, error %v; want 4", load(), err)
	}
}

func TestADamagedFileIsNone(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "known.json"), []byte(`{"a":`), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := kept.New(dir, "known.json", &queue{})
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]int
	if found, err := f.Load(&v); found || err != nil {
		t.Errorf("found %v, %v", found, err)
	}
}
