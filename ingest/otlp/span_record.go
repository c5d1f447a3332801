package otlp

import (
	"math"

	"github.com/midwatch/midwatch/ingest/wire"
)

// spanRecord is an OTLP Span being read.
type spanRecord struct {
	trace, span, parent []byte
	state, name         []byte
	kind, status        uint64
	statusMessage       []byte
	start, end          uint64 // nanoseconds since 1970, 0: not told
	attributes          attributes
	events              []spanEvent
	links               []spanLink
}

type spanEvent struct {
	time       uint64
	name       []byte
	attributes attributes
}

type spanLink struct {
	trace, span, state []byte
	attributes         attributes
}

// size is about the bytes that a span takes.
func (s *spanRecord) size() int {
	n := len(s.name) + len(s.state) + len(s.statusMessage) + s.attributes.size + len(s.attributes.list)*pairOverhead
	for i := range s.events {
		n += len(s.events[i].name) + s.events[i].attributes.size + (len(s.events[i].attributes.list)+1)*pairOverhead
	}
	for i := range s.links {
		n += len(s.links[i].state) + s.links[i].attributes.size + (len(s.links[i].attributes.list)+1)*pairOverhead
	}
	return n
}

func (r *Rows) readSpan(s *spanRecord, b []byte) (err error) {
	s.attributes.reset()
	*s = spanRecord{attributes: s.attributes, events: s.events[:0], links: s.links[:0]}
	m := wire.Read(b)
	for err == nil && m.Next() {
		switch m.Number() {
		case 1:
			s.trace = m.Bytes()
		case 2:
			s.span = m.Bytes()
		case 3:
			s.state = r.shortened(r.valid(m.Bytes()))
		case 4:
			s.parent = m.Bytes()
		case 5:
			s.name = r.shortened(r.valid(m.Bytes()))
		case 6:
			s.kind = m.Varint()
		case 7:
			s.start = m.Fixed64()
		case 8:
			s.end = m.Fixed64()
		case 9:
			err = r.addAttribute(&s.attributes, m.Bytes())
		case 11:
			err = r.readEvent(s, m.Bytes())
		case 13:
			err = r.readLink(s, m.Bytes())
		case 15:
			err = r.readStatus(s, m.Bytes())
		}
	}
	if err != nil {
		return err
	}
	return m.Err()
}

// readEvent appends an event. The space of the one that was there when the record before was read is used again.
func (r *Rows) readEvent(s *spanRecord, b []byte) (err error) {
	if len(s.events) == maxNested {
		r.Tally.note(eventsTooMany)
		return nil
	}
	s.events = grown(s.events)
	e := &s.events[len(s.events)-1]
	e.attributes.reset()
	*e = spanEvent{attributes: e.attributes}
	m := wire.Read(b)
	for err == nil && m.Next() {
		switch m.Number() {
		case 1:
			e.time = min(m.Fixed64(), math.MaxInt64)
		case 2:
			e.name = r.shortened(r.valid(m.Bytes()))
		case 3:
			err = r.addAttribute(&e.attributes, m.Bytes())
		}
	}
	if err != nil {
		return err
	}
	return m.Err()
}

func (r *Rows) readLink(s *spanRecord, b []byte) (err error) {
	if len(s.links) == maxNested {
		r.Tally.note(eventsTooMany)
		return nil
	}
	s.links = grown(s.links)
	l := &s.links[len(s.links)-1]
	l.attributes.reset()
	*l = spanLink{attributes: l.attributes}
	m := wire.Read(b)
	for err == nil && m.Next() {
		switch m.Number() {
		case 1:
			l.trace = idOf(m.Bytes(), fixedTrace)
		case 2:
			l.span = idOf(m.Bytes(), fixedSpan)
		case 3:
			l.state = r.shortened(r.valid(m.Bytes()))
		case 4:
			err = r.addAttribute(&l.attributes, m.Bytes())
		}
	}
	if err != nil {
		return err
	}
	return m.Err()
}

func (r *Rows) readStatus(s *spanRecord, b []byte) error {
	m := wire.Read(b)
	for m.Next() {
		switch m.Number() {
		case 2:
			s.statusMessage = r.shortened(r.valid(m.Bytes()))
		case 3:
			s.status = m.Varint()
		}
	}
	return m.Err()
}

// grown makes a slice one longer; what was there before in its space stays for whoever wants to use it again.
func grown[T any](s []T) []T {
	if len(s) < cap(s) {
		return s[:len(s)+1]
	}
	var zero T
	return append(s, zero)
}
