package host

import "time"

const (
	// share is the most of one core that something paced may take.
	share = 0.05
	// longestPause bounds how old its result may become, however long it takes.
	longestPause = time.Minute
	// cheap is what is never paced.
	cheap = 20 * time.Millisecond
)

// pace keeps something that is repeated to a share of one core: what took long is not done again soon. The zero value has done nothing yet.
type pace struct{ next time.Time }

// due tells whether it may be done again.
func (p *pace) due(now time.Time) bool { return !now.Before(p.next) }

// done notes when it ended and how long it took.
func (p *pace) done(now time.Time, took time.Duration) {
	p.next = now
	if took > cheap {
		p.next = now.Add(min(time.Duration(float64(took)/share), longestPause))
	}
}
