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

// seen is what is known of a request, and since when: of one that is unknown, since it came first; of one that may be in the store for all that is known, no time.
type seen struct {
	is fate
	at time.Time
}

// timeless is for how long the same content, without an id and with records that name no time, is the same request: such records are of when they come,
// and a job that says every minute that it lives says something new. Exporters that got no answer come back within half a minute.
const timeless = 45 * time.Second

// maxFates bounds what is remembered: about 10 MB. At 100 requests a second that is 11 minutes.
const maxFates = 1 << 16

// warmUp is how long after the start every request is looked up: the process before may have stored it unanswered.
const warmUp = time.Minute

// fates remembers recent request ids. Safe for concurrent use.
type fates struct {
	mu       sync.Mutex
	known    map[string]seen          // :: request id → its fate, unless it is in flight
	order    []string                 // ids of known, oldest first
	inFlight map[string]chan struct{} // :: request id → closed when its request ended
	lookAll  time.Time                // until then every id may be in the store

	refusals map[string]map[string]int // :: request id, of known → table → rows that the store refused
}

func newFates(now time.Time) *fates {
	return &fates{known: map[string]seen{}, inFlight: map[string]chan struct{}{}, refusals: map[string]map[string]int{}, lookAll: now.Add(warmUp)}
}

// serve is for when the first request may come.
func (f *fates) serve(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lookAll = now.Add(warmUp)
}

// begin claims an id for the caller, who must call end. If another request with the id is in flight it returns a channel to wait for instead. Of a request
// that is fleeting the same id means another one after timeless.
func (f *fates) begin(id string, now time.Time, fleeting bool) (was seen, wait <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c, ok := f.inFlight[id]; ok {
		return seen{}, c
	}
	f.inFlight[id] = make(chan struct{})
	was, ok := f.known[id]
	if fleeting && was.is == stored && now.Sub(was.at) > timeless {
		was, ok = seen{}, false
		delete(f.refusals, id)
	}
	if !ok && now.Before(f.lookAll) {
		was.is = unknown
	}
	return was, nil
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

// end records what became of a claimed id, of a request that came at a time.
func (f *fates) end(id string, is fate, came time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.inFlight[id])
	delete(f.inFlight, id)
	if is == unseen {
		return
	}
	was, ok := f.known[id]
	if !ok {
		f.order = append(f.order, id)
	}
	since := came
	if is == unknown && was.is == unknown && !was.at.IsZero() {
		since = was.at
	}
	f.known[id] = seen{is, since}
	if len(f.order) <= maxFates {
		return
	}
	if f.known[f.order[0]].is == unknown { // forgetting it must not make it look new
		f.lookAll = came.Add(10 * warmUp)
	}
	delete(f.known, f.order[0])
	delete(f.refusals, f.order[0])
	f.order = f.order[1:]
}
