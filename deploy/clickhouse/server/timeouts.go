package server

import (
	"cmp"
	"time"
)

// Timeouts say how long a peer may take; zeros mean what is usual. Between two queries it may be silent for ever: clients keep pools.
type Timeouts struct {
	Greet   time.Duration // until it has said who it is; usually 10 s
	Receive time.Duration // for one packet of a query or an insert; usually 5 minutes
	Send    time.Duration // for taking one answer, and for acknowledging what it was sent; usually 5 minutes
}

// Usual is t with what is usual in place of zeros.
func (t Timeouts) Usual() Timeouts {
	return Timeouts{
		Greet:   cmp.Or(t.Greet, 10*time.Second),
		Receive: cmp.Or(t.Receive, 5*time.Minute),
		Send:    cmp.Or(t.Send, 5*time.Minute),
	}
}
