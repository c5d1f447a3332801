package host

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// share is the most of one core that something paced may take.
	share = 0.05
	// longestPause bounds how old its result may become, however long it takes.
	longestPause = 30 * time.Second
	// cheap is what is never paced, in time of a core.
	cheap = 20 * time.Millisecond
)

// pace keeps something that is repeated to a share of one core: what took long is not done again soon. The zero value has done nothing yet.
type pace struct{ next time.Time }

// due tells whether it may be done again.
func (p *pace) due(now time.Time) bool { return !now.Before(p.next) }

// done notes when it ended and how much time of a core it took.
func (p *pace) done(now time.Time, took time.Duration) {
	p.next = now
	if took > cheap {
		p.next = now.Add(min(time.Duration(float64(took)/share), longestPause))
	}
}

// metered does something and returns how much time of a core it took, which a busy machine does not stretch. What it hands to other
// goroutines does not count.
func metered(do func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := ofThread()
	do()
	return ofThread() - before
}

// ofThread is the time of a core that this thread has used.
func ofThread() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &u) != nil {
		return 0
	}
	return time.Duration(unix.TimevalToNsec(u.Utime) + unix.TimevalToNsec(u.Stime))
}
