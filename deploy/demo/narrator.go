package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/midwatch/midwatch/internal/terminal"
)

// Narrator tells the story: a line per thing that happened, with the seconds since the start, and one at least every ten
// seconds while it waits.
type Narrator struct {
	mu    sync.Mutex
	out   io.Writer
	start time.Time
	last  time.Time
}

const (
	silence = 10 * time.Second
	poll    = 300 * time.Millisecond
)

// NewNarrator tells its story to out; its clock starts now.
func NewNarrator(out io.Writer) *Narrator {
	return &Narrator{out: out, start: time.Now(), last: time.Now()}
}

// Line tells one thing.
func (n *Narrator) Line(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last = time.Now()
	fmt.Fprintf(n.out, "%5.1fs  %s\n", time.Since(n.start).Seconds(), terminal.Line(fmt.Sprintf(format, args...)))
}

func (n *Narrator) silentFor() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return time.Since(n.last)
}

// fatalError ends a wait; any other error means "not yet": parts may be restarting.
type fatalError struct{ error }

func (e fatalError) Unwrap() error { return e.error }

// fatal makes an error end a wait; nil stays nil.
func fatal(err error) error {
	if err == nil {
		return nil
	}
	return fatalError{err}
}

// waitFor polls until done says so, fails fatally, or the limit has passed.
func (n *Narrator) waitFor(ctx context.Context, what string, limit time.Duration, done func() (bool, error)) error {
	started := time.Now()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		ok, err := done()
		var end fatalError
		switch {
		case errors.As(err, &end):
			return end.error
		case ok && err == nil:
			return nil
		case time.Since(started) > limit:
			return fmt.Errorf("waited %.0f s for %s in vain%s", limit.Seconds(), what, because(err))
		case n.silentFor() > silence:
			n.Line("waiting for %s, %.0f s", what, time.Since(started).Seconds())
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}
