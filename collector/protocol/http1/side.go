package http1

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

// state of a side: what its next bytes are.
type state uint8

const (
	inHead state = iota
	inLength
	inChunkSize
	inChunk
	inTrailer
	untilClose
	lost // bytes are missing where they mattered: until something looks like the start of a message
)

// side reads the messages of one direction.
type side struct {
	stream protocol.Stream
	state  state
	open   bool      // a head was read whose message has not ended
	begun  time.Time // first byte of the message being read
	offset int64     // of that byte
	last   time.Time // last byte seen
	size   int64     // bytes of the message so far; declared, not counted, inside bodies
	// onHead is given each head and says how its body ends; onEnd is told when the message is complete. Both return
	// false to give up.
	onHead func(h *head) (body state, ok bool)
	onEnd  func(at time.Time) bool
	starts func(b []byte) bool // tells whether b starts a message, to find the way back
}

func (s *side) data(at time.Time, b []byte) bool {
	if s.state == lost && !s.resume(at, b) {
		s.last = at
		return true
	}
	if s.state == untilClose {
		s.size += int64(len(b))
		s.last = at
		return true
	}
	if s.begun.IsZero() {
		s.begun, s.offset = at, s.stream.Offset()
	}
	s.last = at
	if !s.stream.Write(b) {
		s.state = lost
		return true
	}
	return s.advance(at)
}

// resume tries to find a message's start, or the end of a chunked one, in a lost stream. It returns true if b is to be read.
func (s *side) resume(at time.Time, b []byte) bool {
	if s.starts(b) {
		s.end(s.last)
		return true
	}
	if s.open && bytes.HasSuffix(b, []byte("\r\n0\r\n\r\n")) {
		s.end(at)
	}
	return false
}

func (s *side) hole(at time.Time, n int64) bool {
	s.last = at
	switch s.state {
	case untilClose:
		s.size += n
		return true
	case lost:
		return true
	case inHead:
		if first, _, whole := bytes.Cut(s.stream.Bytes(), []byte("\r\n")); whole && s.starts(first) {
			h := readHead(s.stream.Bytes())
			if _, ok := s.onHead(&h); !ok {
				return false
			}
			s.open = true
		}
		s.stream.Reset()
		s.state = lost
		return true
	}
	if !s.stream.Hole(n) {
		s.state = lost
		return true
	}
	return s.advance(at)
}

func (s *side) advance(at time.Time) bool {
	for {
		var more, ok bool
		switch s.state {
		case inHead:
			more, ok = s.readHead(at)
		case inLength, inChunk:
			if s.stream.Skipping() {
				return true
			}
			more, ok = true, true
			if s.state == inLength {
				ok = s.end(at)
			} else {
				s.state = inChunkSize
			}
		case inChunkSize:
			more, ok = s.readChunkSize(), true
		case inTrailer:
			more, ok = s.readTrailer(at)
		default:
			s.size += int64(len(s.stream.Bytes()))
			s.stream.Reset()
			return true
		}
		if !ok {
			return false
		}
		if !more {
			return true
		}
	}
}

func (s *side) readHead(at time.Time) (more, ok bool) {
	for bytes.HasPrefix(s.stream.Bytes(), []byte("\r\n")) { // RFC 9112: ignore empty lines before a request
		s.stream.Next(2)
	}
	b := s.stream.Bytes()
	if len(b) == 0 {
		s.begun = time.Time{}
		return false, true
	}
	if s.begun.IsZero() {
		s.begun, s.offset = at, s.stream.Offset()
	}
	h, n := cutHead(b)
	if n == 0 {
		if len(b) > maxHead {
			s.state = lost
			s.stream.Reset()
		}
		return false, true
	}
	s.stream.Next(int64(n))
	s.size = int64(n)
	body, ok := s.onHead(&h)
	if !ok {
		return false, false
	}
	s.open = true
	s.state = body
	if body == inLength {
		s.stream.Next(max(h.length, 0))
		s.size += max(h.length, 0)
	}
	return true, true
}

func (s *side) readChunkSize() (more bool) {
	line, _, ok := bytes.Cut(s.stream.Bytes(), []byte("\r\n"))
	if !ok {
		return false
	}
	digits, _, _ := strings.Cut(string(line), ";")
	n, err := strconv.ParseInt(strings.TrimSpace(digits), 16, 64)
	if err != nil || n < 0 || n > 1<<40 {
		s.state = lost
		s.stream.Reset()
		return false
	}
	s.stream.Next(int64(len(line)) + 2)
	s.size += int64(len(line)) + 2
	if n == 0 {
		s.state = inTrailer
		return true
	}
	s.stream.Next(n + 2)
	s.size += n + 2
	s.state = inChunk
	return true
}

func (s *side) readTrailer(at time.Time) (more, ok bool) {
	line, _, found := bytes.Cut(s.stream.Bytes(), []byte("\r\n"))
	if !found {
		return false, true
	}
	s.stream.Next(int64(len(line)) + 2)
	s.size += int64(len(line)) + 2
	if len(line) > 0 {
		return true, true
	}
	return true, s.end(at)
}

// end completes the message that is open, if one is, and gets ready for the next.
func (s *side) end(at time.Time) bool {
	open := s.open
	s.open, s.state = false, inHead
	ok := !open || s.onEnd(at)
	s.begun, s.size = time.Time{}, 0
	return ok
}
