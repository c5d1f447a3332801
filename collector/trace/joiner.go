package trace

import (
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/midwatch/midwatch/collector/protocol/conversation"
)

// Bounds of a Joiner.
const (
	maxHeld  = 16384           // calls that wait for the one above them
	maxKept  = 8192            // calls that are remembered for those below them
	patience = 2 * time.Second // that a call waits: a client has its answer when the server has sent it, or soon after
)

// End is what is known of a call, seen at one end.
type End struct {
	Request     conversation.Request
	Server      bool
	Here        bool   // the other end is on this machine, too
	TraceParent string // that the request carried, if it did
}

// Joiner joins the two ends of requests: what was served is below the call that asked for it. It belongs to one goroutine.
type Joiner[T any] struct {
	place func(call T, id Identity)
	held  *simplelru.LRU[conversation.Request, held[T]]  // :: request → the server's end, oldest first
	kept  *simplelru.LRU[conversation.Request, Identity] // :: request → the client's end
}

type held[T any] struct {
	call  T
	since time.Time
}

// NewJoiner returns a Joiner that hands each call to place once it is known where it belongs, at the latest 2 s after it was added.
func NewJoiner[T any](place func(call T, id Identity)) *Joiner[T] {
	waiting, _ := simplelru.NewLRU[conversation.Request, held[T]](maxHeld, nil) // fails only for a size of zero
	kept, _ := simplelru.NewLRU[conversation.Request, Identity](maxKept, nil)
	return &Joiner[T]{place: place, held: waiting, kept: kept}
}

// Add takes a call.
func (j *Joiner[T]) Add(now time.Time, e End, call T) {
	if id, ok := Carried(e.TraceParent); ok {
		j.place(call, id)
		return
	}
	switch {
	case !e.Request.Known():
		j.place(call, Root())
	case e.Server:
		j.served(now, e, call)
	default:
		j.asked(e.Request, call)
	}
}

// asked is for a client's end, below which what was served is.
func (j *Joiner[T]) asked(r conversation.Request, call T) {
	id := Root()
	j.place(call, id)
	if h, ok := j.held.Peek(r); ok {
		j.held.Remove(r)
		j.place(h.call, id.Below())
		return
	}
	j.kept.Add(r, id)
}

func (j *Joiner[T]) served(now time.Time, e End, call T) {
	if id, ok := j.kept.Peek(e.Request); ok {
		j.kept.Remove(e.Request)
		j.place(call, id.Below())
		return
	}
	if !e.Here {
		j.place(call, Root())
		return
	}
	if before, ok := j.held.Peek(e.Request); ok {
		j.held.Remove(e.Request)
		j.place(before.call, Root())
	}
	if j.held.Len() == maxHeld {
		j.giveUp()
	}
	j.held.Add(e.Request, held[T]{call, now})
}

// Expire hands on what waited for too long.
func (j *Joiner[T]) Expire(now time.Time) {
	for {
		_, h, ok := j.held.GetOldest()
		if !ok || now.Sub(h.since) < patience {
			return
		}
		j.giveUp()
	}
}

// Close hands on all that waits.
func (j *Joiner[T]) Close() {
	for j.held.Len() > 0 {
		j.giveUp()
	}
}

// giveUp hands on what waited longest, as the first of its trace.
func (j *Joiner[T]) giveUp() {
	if _, h, ok := j.held.RemoveOldest(); ok {
		j.place(h.call, Root())
	}
}
