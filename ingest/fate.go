package ingest

import (
	"sync"
	"time"
)

// fate is what is known about the rows of a request id.
type fate int

const (
	unseen  fate = iota // never came, as far as this process knows
	stored              // inserted, or found in the store
	unknown             // an insert failed or its answer was lost: look before storing
)

// maxFates bounds what is remembered: about 10 MB. At 100 requests a second that is 11 minutes.
const maxFates = 1 << 16

// warmUp is how long after the start every request is looked up: the process before may have stored it unanswered.
const warmUp = time.Minute

// fates remembers recent request ids. Safe for concurrent use.
type fates struct {
	mu       sync.Mutex
	known    map[string]fate          // :: request id → its fate, unless it is in flight
	order    []string                 // ids of known, oldest first
	inFlight map[string]chan struct{} // :: request id → closed when its request ended
	lookAll  time.Time                // until then every id may be in the store

	refusals map[string]map[string]int // :: request id, of known → table → rows that the store refused
}

func newFates(now time.Time) *fates {
	return &fates{known: map[string]fate{}, inFlight: map[string]chan struct{}{}, refusals: map[string]map[string]int{}, lookAll: now.Add(warmUp)}
}

// serve is for when the first request may come.
func (f *fates) serve(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lookAll = now.Add(warmUp)
}

// begin claims an id for the caller, who must call end. If another request with the id is in flight it returns a channel to wait for instead.
func (f *fates) begin(id string, now time.Time) (is fate, wait <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c, ok := f.inFlight[id]; ok {
		return unseen, c
	}
	f.inFlight[id] = make(chan struct{})
	is, ok := f.known[id]
	if !ok && now.Before(f.lookAll) {
		is = unknown
	}
	return is, nil
}

// refuse remembers which rows of a claimed id the store did not want, for whoever sends it again.
func (f *fates) refuse(id string, of map[string]int) {
	if len(of) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refusals[id] = of
}

// refused is what refuse was told.
func (f *fates) refused(id string) map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refusals[id]
}

// end records what became of a claimed id.
func (f *fates) end(id string, is fate, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.inFlight[id])
	delete(f.inFlight, id)
	if is == unseen {
		return
	}
	if _, ok := f.known[id]; !ok {
		f.order = append(f.order, id)
	}
	f.known[id] = is
	if len(f.order) <= maxFates {
		return
	}
	if f.known[f.order[0]] == unknown { // forgetting it must not make it look new
		f.lookAll = now.Add(10 * warmUp)
	}
	delete(f.known, f.order[0])
	delete(f.refusals, f.order[0])
	f.order = f.order[1:]
}
