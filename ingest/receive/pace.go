package receive

import (
	"fmt"
	"sync"
	"time"

	"github.com/midwatch/midwatch/internal/metadata"
)

// burst is how much may come at once: what the limit lets through in so long.
const burst = 10 * time.Second

// pace holds one token to its limits. Both may be overdrawn by what has come already: what is read is stored, the next has to wait.
type pace struct {
	bytes, requests bucket
	waiting         chan struct{} // a place for each of its requests that waits to be received over gRPC, or is
	receiving       chan struct{} // one for each that is
	coming          *Budget       // of its bodies that come over HTTP
}

func newPace(l metadata.Limits) *pace {
	return &pace{
		bytes: newBucket(l.BytesPerSecond), requests: newBucket(l.RequestsPerSecond),
		waiting: make(chan struct{}, maxWaiting), receiving: make(chan struct{}, ownReceiving), coming: NewBudget(maxComing),
	}
}

// maxComing is how many bytes of bodies of one token may have come over HTTP that are not whole. Slow senders hold no more of everybody's memory.
const maxComing = 48 << 20

// enter counts a request that waits to be received until stop. A nil pace has no bound. The error wraps ErrOverload.
func (p *pace) enter() (stop func(), err error) {
	if p == nil {
		return func() {}, nil
	}
	select {
	case p.waiting <- struct{}{}:
		return func() { <-p.waiting }, nil
	default:
		return nil, fmt.Errorf("%w: %d requests of this token wait to be received", ErrOverload, maxWaiting)
	}
}

// arrives is what a body takes of its token's share while it comes.
func (p *pace) arrives() *Hold {
	if p == nil {
		return nil
	}
	return p.coming.Hold()
}

// admit counts a request, or returns a *tooFast. A nil pace admits everything.
func (p *pace) admit(now time.Time) error {
	if p == nil {
		return nil
	}
	if wait := p.bytes.wait(now); wait > 0 {
		return &tooFast{what: "bytes", limit: int64(p.bytes.rate), wait: wait}
	}
	if wait := p.requests.wait(now); wait > 0 {
		return &tooFast{what: "requests", limit: int64(p.requests.rate), wait: wait}
	}
	p.requests.take(1, now)
	return nil
}

// read counts the bytes of a request that was admitted.
func (p *pace) read(bytes int, now time.Time) {
	if p != nil {
		p.bytes.take(bytes, now)
	}
}

// tooFast says that a sender is past its limit, and when it may come back. It is an ErrOverload.
type tooFast struct {
	what  string
	limit int64 // per second
	wait  time.Duration
}

func (e *tooFast) Error() string {
	return fmt.Sprintf("more than the %d %s per second of this token: come back in %s", e.limit, e.what, e.wait.Round(time.Millisecond))
}

func (e *tooFast) Is(target error) bool { return target == ErrOverload }

// bucket fills with rate units a second up to burst's worth. A rate of 0 means no limit.
type bucket struct {
	rate  float64
	level struct {
		sync.Mutex
		n  float64 // may be negative
		at time.Time
	}
}

func newBucket(rate int64) bucket { return bucket{rate: float64(rate)} }

// wait returns how long it takes until something is in the bucket: 0 when it is.
func (b *bucket) wait(now time.Time) time.Duration {
	if b.rate == 0 {
		return 0
	}
	b.level.Lock()
	defer b.level.Unlock()
	b.fill(now)
	if b.level.n > 0 {
		return 0
	}
	return max(time.Millisecond, time.Duration(-b.level.n/b.rate*float64(time.Second)))
}

func (b *bucket) take(n int, now time.Time) {
	if b.rate == 0 {
		return
	}
	b.level.Lock()
	defer b.level.Unlock()
	b.fill(now)
	b.level.n -= float64(n)
}

// fill expects the lock. A bucket that was never looked at is full.
func (b *bucket) fill(now time.Time) {
	full := b.rate * burst.Seconds()
	if b.level.at.IsZero() {
		b.level.n = full
	} else if d := now.Sub(b.level.at); d > 0 {
		b.level.n = min(full, b.level.n+d.Seconds()*b.rate)
	}
	if now.After(b.level.at) {
		b.level.at = now
	}
}
