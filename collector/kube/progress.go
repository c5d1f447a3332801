package kube

import (
	"strconv"
	"sync"
)

// progress is how far the versions of one resource were published and kept. They are published side by side and done in any order; the checkpoint
// moves over those before which nothing is left to do. Safe for concurrent use.
type progress struct {
	last func() uint64 // sequence of what was published last

	mu      sync.Mutex
	behind  bool // predecessors published, after the sequence from, what the watch may tell again
	from    uint64
	steps   []*step // begun, oldest first
	reached string  // resource version up to which all is done; "" before the first
}

func newProgress(last func() uint64) *progress { return &progress{last: last} }

// resume says how far it came before.
func (p *progress) resume(version string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reached = version
}

// follow says that what predecessors published after a sequence is told apart from what is new by what the journal has, until caughtUp.
func (p *progress) follow(from uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.behind, p.from = true, from
}

// caughtUp says that the watch will tell nothing more that predecessors published.
func (p *progress) caughtUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.behind = false
}

type step struct {
	version string // "" of what a list told: nothing is reached before the list is done
	after   uint64 // sequence behind which its entry is or will be
	done    bool
}

func (p *progress) begin(version string) *step {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &step{version: version, after: p.end()}
	p.steps = append(p.steps, s)
	return s
}

// end is the sequence behind which what is begun now is or will be.
func (p *progress) end() uint64 {
	if p.behind {
		return p.from
	}
	return p.last()
}

func (p *progress) finish(s *step) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.done = true
	n := 0
	for n < len(p.steps) && p.steps[n].done {
		if v := p.steps[n].version; v != "" {
			p.reached = v
		}
		p.steps[n] = nil
		n++
	}
	p.steps = p.steps[n:]
}

// first says that nothing was reached yet.
func (p *progress) first() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reached == ""
}

// state returns the checkpoint, and the sequence up to which nothing of the resource is left to do: of what follows that, something may be in neither
// the bucket nor the checkpoint.
func (p *progress) state() (version string, after uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.steps) > 0 {
		return p.reached, min(p.steps[0].after, p.end())
	}
	return p.reached, p.end()
}

// olderOrSame compares resource versions of one resource. Those that are no numbers cannot be compared: false.
func olderOrSame(version, than string) bool {
	a, errA := strconv.ParseUint(version, 10, 64)
	b, errB := strconv.ParseUint(than, 10, 64)
	return errA == nil && errB == nil && a <= b
}
