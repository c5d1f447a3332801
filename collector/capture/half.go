package capture

import (
	"bytes"
	"slices"
	"time"
)

// maxEarly is how many segments of a direction wait for bytes before them. A capture that has lost those has lost them for good.
const maxEarly = 64

// half is one direction of a connection: its bytes in order, each once.
type half struct {
	known bool
	next  uint32    // number of the byte that comes next
	early []segment // that came before their turn, in their order
	fin   bool
	last  uint32 // number of the FIN
}

// deliver takes data of a stretch of size bytes, which may be less.
type deliver func(at time.Time, data []byte, size uint32)

// distance is how far a number is after another; numbers begin anew after 2^32.
func distance(from, to uint32) int32 { return int32(to - from) }

func (h *half) take(s segment, to deliver) {
	if s.syn {
		s.seq++
		if !h.known {
			h.known, h.next = true, s.seq
		}
	}
	if s.fin {
		h.fin, h.last = true, s.seq+s.size
	}
	if s.size == 0 {
		return
	}
	if !h.known {
		h.known, h.next = true, s.seq
	}
	if distance(h.next, s.seq) <= 0 {
		h.deliver(s, to)
		h.inTurn(to)
		return
	}
	s.data = bytes.Clone(s.data)
	at, _ := slices.BinarySearchFunc(h.early, s, func(a, b segment) int { return int(distance(b.seq, a.seq)) })
	h.early = slices.Insert(h.early, at, s)
	if len(h.early) > maxEarly {
		h.pass(h.early[0].seq, s.at, to)
		h.inTurn(to)
	}
}

// deliver hands on what is new of a segment.
func (h *half) deliver(s segment, to deliver) {
	seen := distance(s.seq, h.next)
	if seen < 0 || uint32(seen) >= s.size {
		return
	}
	h.next = s.seq + s.size
	to(s.at, s.data[min(int(seen), len(s.data)):], s.size-uint32(seen))
}

// inTurn hands on what waited for what has come now.
func (h *half) inTurn(to deliver) {
	for len(h.early) > 0 && distance(h.next, h.early[0].seq) <= 0 {
		s := h.early[0]
		h.early = h.early[1:]
		h.deliver(s, to)
	}
}

// reached says that the other end has all bytes before one.
func (h *half) reached(end uint32, at time.Time, to deliver) {
	if !h.known {
		return
	}
	for len(h.early) > 0 && distance(h.early[0].seq, end) > 0 {
		h.pass(h.early[0].seq, at, to)
		h.inTurn(to)
	}
	if h.fin && distance(h.last, end) > 0 {
		end = h.last // a FIN counts as a byte, and is none
	}
	h.pass(end, at, to)
}

// pass goes on at a byte; those before it are not in the capture.
func (h *half) pass(next uint32, at time.Time, to deliver) {
	if missing := distance(h.next, next); missing > 0 {
		h.next = next
		to(at, nil, uint32(missing))
	}
}

// flush hands on what waits.
func (h *half) flush(to deliver) {
	for len(h.early) > 0 {
		h.pass(h.early[0].seq, h.early[0].at, to)
		h.inTurn(to)
	}
}
