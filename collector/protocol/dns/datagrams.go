package dns

import (
	"iter"
	"net/netip"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/midwatch/midwatch/collector/protocol"
)

const (
	maxAsked = 4096 // questions that wait for answers; past it the oldest is forgotten
	// patience is how long an answer is waited for: after that resolvers ask again, another server perhaps, or give up (5 s in glibc, musl and Go).
	patience = 5 * time.Second
)

// IsAnswer tells whether a message is an answer, else it is a question.
func IsAnswer(message []byte) bool { return len(message) > 2 && message[2]&0x80 != 0 }

// Datagrams pairs questions and answers that go over UDP. E is who asks whom, V what else there is to know of a question. It is used by one goroutine.
type Datagrams[E comparable, V any] struct {
	asked *simplelru.LRU[sent[E], waiting[V]] // the oldest question first
}

// sent is a question, and who asks whom.
type sent[E comparable] struct {
	question
	ends E
}

// waiting is a question that was asked.
type waiting[V any] struct {
	call protocol.Call
	of   V
}

// NewDatagrams returns what waits for nothing.
func NewDatagrams[E comparable, V any]() *Datagrams[E, V] {
	asked, err := simplelru.NewLRU[sent[E], waiting[V]](maxAsked, nil)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &Datagrams[E, V]{asked}
}

// Ask takes a question, and passes over what is none. One that is sent again is the same. It keeps nothing of b.
func (d *Datagrams[E, V]) Ask(ends E, of V, at time.Time, b []byte) {
	q, h, ok := asked(b)
	if !ok || h.Response {
		return
	}
	k := sent[E]{q, ends}
	if w, ok := d.asked.Peek(k); !ok || at.Sub(w.call.Start) > patience {
		d.asked.Remove(k)
		d.asked.Add(k, waiting[V]{q.call(int64(len(b)), at), of})
	}
}

// Answer takes an answer, and returns the call that it ends. It returns false if nobody waits for it. It keeps nothing of b.
func (d *Datagrams[E, V]) Answer(ends E, at time.Time, b []byte) (of V, c protocol.Call, ok bool) {
	q, h, ok := asked(b)
	if !ok || !h.Response {
		return of, c, false
	}
	k := sent[E]{q, ends}
	w, ok := d.asked.Peek(k)
	if !ok {
		return of, c, false
	}
	d.asked.Remove(k)
	if at.Sub(w.call.Start) > patience {
		return of, c, false
	}
	w.call.Answered(at, at)
	answered(&w.call, h, int64(len(b)))
	return w.of, w.call, true
}

// Unanswered goes through the questions that nobody answered by then, and forgets them.
func (d *Datagrams[E, V]) Unanswered(by time.Time) iter.Seq2[V, protocol.Call] {
	return func(yield func(V, protocol.Call) bool) {
		for {
			_, w, ok := d.asked.GetOldest()
			if !ok || by.Sub(w.call.Start) <= patience {
				return
			}
			d.asked.RemoveOldest()
			w.call.Duration, w.call.Failed, w.call.ErrorType = patience, true, Timeout
			w.call.Error = "no answer within " + patience.String()
			if !yield(w.of, w.call) {
				return
			}
		}
	}
}

// Timeout is the error of a question that nobody answered.
const Timeout = "timeout"

// Flow is who asks whom in a capture.
type Flow struct{ Client, Server netip.AddrPort }

// FlowOf is whose a datagram is.
func FlowOf(from, to netip.AddrPort, message []byte) Flow {
	if IsAnswer(message) {
		return Flow{to, from}
	}
	return Flow{from, to}
}
