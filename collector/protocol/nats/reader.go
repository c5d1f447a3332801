package nats

import (
	"bytes"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

// What is kept of a message to look at.
const (
	keptHeader  = 4 << 10
	keptPayload = 512 // errors of JetStream are at the beginning
)

// message is a line and what follows it.
type message struct {
	line
	first, last time.Time
	offset      int64  // of its first byte
	size        int64  // all of it
	body        []byte // the beginning of what follows the line
}

// headers are those of a message, as far as they were seen.
func (m *message) headers() []byte { return m.body[:min(m.header, int64(len(m.body)))] }

// text is the beginning of what a message says.
func (m *message) text() []byte {
	return m.body[min(m.header, int64(len(m.body))):min(m.payload, int64(len(m.body)))]
}

// verdict on what has arrived.
type verdict int

const (
	whole verdict = iota // a message
	wait                 // more is to come
	wrong                // no message begins so
)

// reader cuts one direction into messages.
type reader struct {
	protocol.Stream
	dir    protocol.Direction
	lost   bool      // until a transfer begins with a message
	since  time.Time // when it was lost last; zero: never
	begun  time.Time // first byte of the message that is being read
	offset int64     // of that byte
	open   *message  // whose line was read; its end has not passed
}

// lose forgets what has arrived of a message.
func (r *reader) lose(at time.Time) {
	r.Reset()
	r.begun, r.open, r.lost, r.since = time.Time{}, nil, true, at
}

// next returns the next message. With cut no more will be seen of what has not arrived.
func (r *reader) next(at time.Time, cut bool) (message, verdict) {
	if r.open == nil {
		b := r.Bytes()
		if len(b) == 0 {
			return message{}, wait
		}
		if r.begun.IsZero() {
			r.begun, r.offset = at, r.Offset()
		}
		if v := r.begin(b, cut); v != whole {
			return message{}, v
		}
	}
	if r.Skipping() {
		return message{}, wait
	}
	return r.end(at), whole
}

// begin reads the line that b begins with and goes to the message's end.
func (r *reader) begin(b []byte, cut bool) verdict {
	text, _, found := bytes.Cut(b[:min(len(b), maxLine)], []byte("\n"))
	if !found {
		if len(b) < maxLine && couldBegin(r.dir, b) {
			return wait
		}
		return wrong
	}
	l, ok := readLine(r.dir, text)
	if !ok {
		return wrong
	}
	m := &message{line: l, first: r.begun, offset: r.offset, size: int64(len(text)) + 1}
	if l.message {
		rest := b[len(text)+1:]
		kept := min(l.payload+2, min(l.header, keptHeader)+keptPayload)
		if int64(len(rest)) < kept && !cut {
			return wait
		}
		if int64(len(rest)) >= l.payload+2 && string(rest[l.payload:l.payload+2]) != "\r\n" {
			return wrong
		}
		m.body = bytes.Clone(rest[:min(kept, int64(len(rest)))])
		m.size += l.payload + 2
	}
	r.open = m
	r.Next(m.size)
	return whole
}

// end completes the message whose last byte came.
func (r *reader) end(at time.Time) message {
	m := *r.open
	m.last = at
	r.open, r.begun = nil, time.Time{}
	return m
}

// couldBegin tells whether a line that is not whole may be one of the direction.
func couldBegin(d protocol.Direction, b []byte) bool {
	for _, verb := range verbs(d) {
		if n := min(len(b), len(verb)); bytes.EqualFold(b[:n], []byte(verb[:n])) {
			return true
		}
	}
	return false
}
