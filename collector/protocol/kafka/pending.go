package kafka

import (
	"slices"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

// exchange is a request that waits for its answer.
type exchange struct {
	protocol.Call
	correlation  int32
	key, version int16
	known        bool // the version: its answer can be read

	topic     topicKey // that it is about
	one       bool     // it is about one topic
	begins    bool     // a fetch session
	wait      time.Duration
	uncertain bool // it may be one that is not answered
}

// told tells whether a call of it is to be told.
func (x *exchange) told() bool { return x.Operation != "" }

// pending are the requests that wait, oldest first: a broker answers in order. protocol.Pending does not fit, because of what was not answered the answers to later requests tell.
type pending []exchange

// take returns the request that an answer is to. Those before it, if they had an answer, had it out of sight.
func (p *pending) take(correlation int32, unseen bool) (exchange, bool) {
	i := slices.IndexFunc(*p, func(x exchange) bool { return x.correlation == correlation })
	if i < 0 {
		return exchange{}, false
	}
	x := (*p)[i]
	before := slices.DeleteFunc((*p)[:i], func(x exchange) bool { return unseen || x.uncertain })
	*p = slices.Delete(*p, len(before), i+1)
	return x, true
}

func (p *pending) has(correlation int32) bool {
	return slices.ContainsFunc(*p, func(x exchange) bool { return x.correlation == correlation })
}

// maxEarly bounds the answers that came before their requests were told.
const maxEarly = 8

// maxEarlyKept is how much of such an answer is looked at.
const maxEarlyKept = 1 << 10

// early are answers that came before their requests were told: of two threads on a connection, one may be late.
type early []protocol.Frame

// add keeps an answer. It returns false if there are too many: then they are something else.
func (e *early) add(f protocol.Frame) bool {
	if len(*e) >= maxEarly {
		*e = nil
		return false
	}
	f.Bytes = slices.Clone(f.Bytes[:min(len(f.Bytes), maxEarlyKept)])
	*e = append(*e, f)
	return true
}

// take returns the answer to a request that is told only now, and forgets those that came before the request began.
func (e *early) take(id int32, asked time.Time) (f protocol.Frame, ok bool) {
	*e = slices.DeleteFunc(*e, func(f protocol.Frame) bool { return f.First.Before(asked) })
	i := slices.IndexFunc(*e, func(f protocol.Frame) bool { return correlation(f.Bytes) == id })
	if i < 0 {
		return f, false
	}
	f = (*e)[i]
	*e = slices.Delete(*e, i, i+1)
	return f, true
}
