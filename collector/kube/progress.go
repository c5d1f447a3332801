package kube

import (
	"strconv"
	"sync"
)

// progress is how far the versions of one resource were published. They are published side by side and done in any order; the checkpoint moves
// over those before which nothing is left to do. Safe for concurrent use.
type progress struct {
	mu      sync.Mutex
	steps   []*step       // begun, oldest first
	reached string        // resource version up to which all is done; "" before the first
	kept    string        // what of it is in the bucket
	first   chan struct{} // closed when a first version is reached
}

func newProgress() *progress { return &progress{first: make(chan struct{})} }

// resume says how far it came before.
func (p *progress) resume(version string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reached, p.kept = version, version
}

type step struct {
	version string // "" of an object found by a list: nothing is reached before the list is done
	done    bool
}

func (p *progress) begin(version string) *step {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &step{version: version}
	p.steps = append(p.steps, s)
	return s
}

func (p *progress) finish(s *step) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.done = true
	n := 0
	for n < len(p.steps) && p.steps[n].done {
		if v := p.steps[n].version; v != "" {
			if p.reached == "" {
				close(p.first)
			}
			p.reached = v
		}
		p.steps[n] = nil
		n++
	}
	p.steps = p.steps[n:]
}

// unkept returns the checkpoint if it is to be written.
func (p *progress) unkept() (version string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reached, p.reached != p.kept && p.reached != ""
}

func (p *progress) keep(version string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept = version
}

// olderOrSame compares resource versions of one resource. Those that are no numbers cannot be compared: false.
func olderOrSame(version, than string) bool {
	a, errA := strconv.ParseUint(version, 10, 64)
	b, errB := strconv.ParseUint(than, 10, 64)
	return errA == nil && errB == nil && a <= b
}
