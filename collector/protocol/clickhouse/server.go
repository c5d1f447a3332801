package clickhouse

import (
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

// maxTail is how much of an answer's end is looked at for packets that end one: what the kernel side copies at least.
const maxTail = 512

// server follows the answer to one request.
type server struct {
	protocol.Stream
	compressed  bool // blocks are
	framed      bool // the last packet was a compressed block: more frames of it may follow
	owed        bool // one must
	opaque      bool // packets are no longer told apart
	tail        []byte
	first, last time.Time
	size        int64
	failure     *failure
	done        bool
	guessed     bool // the revision is: only queries are known to be written as it says
}

// begin forgets the last answer.
func (s *server) begin() {
	s.Reset()
	*s = server{Stream: s.Stream, tail: s.tail[:0], guessed: s.guessed, opaque: s.guessed}
}

// ended says that the answer may be over with the last byte that came.
func (s *server) ended() bool {
	return s.done || s.failure != nil || s.opaque && len(s.tail) > 0 && s.tail[len(s.tail)-1] == serverEndOfStream
}

func (s *server) note(at time.Time, n int64) {
	if s.first.IsZero() {
		s.first = at
	}
	s.last = at
	s.size += n
}

// answered takes bytes of the server.
func (p *Parser) answered(at time.Time, b []byte) bool {
	if p.call == nil {
		return true
	}
	s := &p.server
	s.note(at, int64(len(b)))
	s.tail = append(s.tail, b[max(0, len(b)-maxTail):]...)
	s.tail = append(s.tail[:0], s.tail[max(0, len(s.tail)-maxTail):]...)
	if !s.opaque && !s.Write(b) {
		s.opaque = true
	}
	if p.call.Operation == "CONNECT" && p.quiet {
		return p.greeted()
	}
	if s.opaque {
		p.resume(b)
	} else {
		s.read(p.revision)
		if s.opaque {
			p.resume(b)
		}
	}
	if s.done {
		p.finish()
	}
	return true
}

// missed takes bytes of the server that nobody copied.
func (p *Parser) missed(at time.Time, n int64) bool {
	if p.call == nil {
		return true
	}
	s := &p.server
	s.note(at, n)
	s.tail = s.tail[:0]
	if !s.opaque {
		s.failed() // what is there of it is all there will be
		s.opaque = !s.Hole(n)
	}
	return p.call.Operation != "CONNECT" || !p.quiet
}

// greeted reads the server's Hello, or why there is none.
func (p *Parser) greeted() bool {
	s := &p.server
	b := s.Bytes()
	if len(b) == 0 {
		return false
	}
	if b[0] == serverException {
		if s.read(p.revision); s.done {
			p.finish()
		}
		return !s.opaque
	}
	r := reader{b: b}
	revision := readServerHello(&r)
	if r.bad {
		return false
	}
	if r.ok() {
		p.revision = min(p.hello.revision, revision)
		p.call = nil
	}
	return p.revision == 0 || p.revision >= minRevision
}

// read reads packets until the answer is over, or their lengths can no longer be told.
func (s *server) read(revision int) {
	for !s.opaque && !s.Skipping() && !s.done && len(s.Bytes()) > 0 {
		if s.framed {
			if next, wait := s.frame(revision); wait {
				return
			} else if next {
				continue
			}
		}
		b := s.Bytes()
		r := &reader{b: b}
		code, framed := packet(r, revision, s.compressed)
		if r.short {
			return
		}
		if r.bad {
			s.lose()
			return
		}
		if code == serverException {
			s.failed()
		}
		s.done = code == serverException || code == serverEndOfStream || code == serverPong
		s.framed, s.owed = framed, framed
		s.Next(int64(len(b) - len(r.b)))
	}
}

// lose stops telling packets apart.
func (s *server) lose() {
	s.opaque = true
	s.Reset()
}

// frame passes over a frame of a compressed block. Behind the first, what does not look like another is the next packet.
func (s *server) frame(revision int) (next, wait bool) {
	b := s.Bytes()
	if len(b) < frameHead {
		return false, s.owed || !endsAnswer(b, revision)
	}
	n := frame(b)
	switch {
	case n > 0:
		s.owed = false
		s.Next(n)
		return true, false
	case s.owed:
		s.lose()
		return false, true
	}
	return false, false
}

// failed reads the exception that comes next, as far as it is there.
func (s *server) failed() {
	if b := s.Bytes(); isException(b) {
		f := exception(&reader{b: b[1:]})
		s.failure = &f
	}
}

// resume looks for the end of an answer whose packets are not told apart: an exception at the beginning of a transfer, or the packets that end an
// answer at the end of one.
func (p *Parser) resume(b []byte) {
	s := &p.server
	if isException(b) {
		r := reader{b: b[1:]}
		f := exception(&r)
		s.failure, s.done = &f, r.ok()
		return
	}
	for i := 0; i < len(s.tail) && !s.guessed; i++ {
		if endsAnswer(s.tail[i:], p.revision) && len(s.tail)-i >= minEnd {
			s.done = true
			return
		}
	}
}

// minEnd is how many bytes must say that an answer is over: fewer may be data.
const minEnd = 8

// endsAnswer tells whether b is whole packets, the last of them EndOfStream, and none of them compressed.
func endsAnswer(b []byte, revision int) bool {
	r := &reader{b: b}
	for r.ok() && len(r.b) > 0 {
		code, _ := packet(r, revision, false)
		if r.ok() && code == serverEndOfStream {
			return len(r.b) == 0
		}
	}
	return false
}
