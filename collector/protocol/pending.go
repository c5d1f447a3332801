package protocol

import (
	"slices"
	"time"
)

// Pending are the calls of one connection that wait for their answers, found by what the protocol pairs the two by. The zero value is ready.
type Pending[K comparable] struct {
	calls map[K]waiting
	asked uint64
}

type waiting struct {
	Call
	nth uint64
}

// Len is how many wait.
func (p *Pending[K]) Len() int { return len(p.calls) }

// Add has a call wait. One that waited under the key is forgotten: its answer will not be told from this one's. It returns false if too many wait.
func (p *Pending[K]) Add(k K, c Call) bool {
	if len(p.calls) >= MaxPending {
		return false
	}
	if p.calls == nil {
		p.calls = map[K]waiting{}
	}
	p.asked++
	p.calls[k] = waiting{c, p.asked}
	return true
}

// Has says whether a call waits under a key.
func (p *Pending[K]) Has(k K) bool {
	_, ok := p.calls[k]
	return ok
}

// Take returns the call that waits under a key, which waits no more.
func (p *Pending[K]) Take(k K) (Call, bool) {
	w, ok := p.calls[k]
	delete(p.calls, k)
	return w.Call, ok
}

// Close hands on what waits, oldest first, as calls that will not be answered.
func (p *Pending[K]) Close(at time.Time, emit func(Call)) {
	all := make([]waiting, 0, len(p.calls))
	for _, w := range p.calls {
		all = append(all, w)
	}
	clear(p.calls)
	slices.SortFunc(all, func(a, b waiting) int { return int(a.nth) - int(b.nth) })
	for _, w := range all {
		w.Unanswered(at)
		emit(w.Call)
	}
}
