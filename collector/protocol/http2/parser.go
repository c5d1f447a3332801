package http2

import (
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"golang.org/x/net/http2"

	"github.com/midwatch/midwatch/collector/protocol"
)

// Parser reads one connection. It implements protocol.Parser.
type Parser struct {
	emit    func(protocol.Call)
	begun   bool // the client's first bytes were read: prefaced of them were the preface
	prefix  int  // how much of the preface came
	sides   [2]side
	streams map[uint32]*stream // :: id → those that are not told
	newest  uint32             // id of the last request; they only grow
	strange bool               // answers may come of streams that are not in streams
	broken  uint32             // id of the last request when the client last broke off a stream: answers of those up to it may still be on their way
	trailed bool               // requests have trailers here
	unseen  time.Time          // when bytes of answers last came that nobody read: the end of any stream that was asked before may be in them
}

var _ protocol.Parser = (*Parser)(nil)

// New returns a parser that hands each stream that is over to emit.
func New(emit func(protocol.Call)) *Parser {
	return &Parser{emit: emit, sides: [2]side{newSide(), newSide()}, streams: map[uint32]*stream{}}
}

// Idle implements protocol.Parser: servers speak unasked, and the parser itself waits for the request of an answer.
func (p *Parser) Idle() bool { return false }

// Data implements protocol.Parser.
func (p *Parser) Data(d protocol.Direction, at time.Time, b []byte) bool {
	if d == protocol.Request && !p.begun {
		var ok bool
		if b, ok = p.begin(b); !ok {
			return false
		}
	}
	s := &p.sides[d]
	if !s.found {
		size := int64(len(b))
		s.hidden.size += size
		b = s.find(b, p.isOpen)
		s.frames.Pass(size - int64(len(b)))
		p.passed(d, at)
		if b == nil {
			return true
		}
		s.hidden.size -= int64(len(b))
		s.open(p.prefix == len(preface) && !s.missed)
	}
	if !s.data(at, b, p.reader(d)) {
		return false
	}
	p.lose(d)
	p.passed(d, at)
	return true
}

// Hole implements protocol.Parser.
func (p *Parser) Hole(d protocol.Direction, at time.Time, n int64) bool {
	if d == protocol.Request && !p.begun {
		p.begun = true
		if p.prefix > 0 {
			return false
		}
	}
	s := &p.sides[d]
	if !s.hole(at, n, p.reader(d)) {
		return false
	}
	p.lose(d)
	p.passed(d, at)
	return true
}

// Close implements protocol.Parser.
func (p *Parser) Close(at time.Time) {
	for _, id := range slices.Sorted(maps.Keys(p.streams)) {
		if s := p.streams[id]; s.closedCall(at) {
			p.emit(s.call)
		}
	}
	clear(p.streams)
}

// begin passes over the preface. Without one the connection was met half-way. It returns false if these are the first bytes of nothing.
func (p *Parser) begin(b []byte) (rest []byte, ok bool) {
	n := min(len(b), len(preface)-p.prefix)
	if string(b[:n]) != preface[p.prefix:p.prefix+n] {
		p.begun = true
		return b, p.prefix == 0
	}
	p.sides[protocol.Request].frames.Pass(int64(n))
	if p.prefix += n; p.prefix == len(preface) {
		p.begun = true
		p.sides[protocol.Request].open(true)
	}
	return b[n:], true
}

// isOpen says that a stream is one whose frames may come.
func (p *Parser) isOpen(id uint32) bool { return p.streams[id] != nil }

// lose notes what is uncertain once a direction lost its place: the end of any stream may be in what is missing.
func (p *Parser) lose(d protocol.Direction) {
	s := &p.sides[d]
	if !s.found || !s.frames.Lost() {
		return
	}
	s.lose(p.bodies(d), p.strange)
	p.strange = p.strange || d == protocol.Request
	for id, stream := range p.streams {
		if stream.uncertain = true; !stream.asked {
			delete(p.streams, id)
		}
	}
}

// passed notes that bytes of answers were passed over while it is not known where frames begin. Requests that are read later may have been answered in them.
func (p *Parser) passed(d protocol.Direction, at time.Time) {
	if d == protocol.Request || p.sides[d].found || !p.sides[d].missed {
		return
	}
	p.unseen = at
	for _, stream := range p.streams {
		stream.uncertain = true
	}
}

// bodies tells how it will be known that bytes which go missing now are of bodies alone. Requests have consecutive ids, and no trailers where none were seen. Of answers it is known
// if a single stream is being answered, its first headers came, and there is no other of which headers may come.
func (p *Parser) bodies(d protocol.Direction) bodies {
	switch {
	case d == protocol.Request && p.newest > 0 && !p.trailed:
		return bodies{p.newest + 2, p.newest}
	case d == protocol.Request, p.strange, p.prefix < len(preface), len(p.streams) != 1:
		return bodies{}
	}
	for id, s := range p.streams {
		if s.asked && s.answered && id > p.broken {
			return bodies{id, p.newest}
		}
	}
	return bodies{}
}

func (p *Parser) reader(d protocol.Direction) func(protocol.Frame) bool {
	return func(f protocol.Frame) bool { return p.frame(d, f) }
}

func (p *Parser) frame(d protocol.Direction, f protocol.Frame) bool {
	h, s := readHead(f.Bytes), &p.sides[d]
	s.unread -= f.Size
	switch h.kind {
	case http2.FrameHeaders, http2.FrameContinuation, http2.FramePushPromise:
		return s.headers(h, f, func(b block) bool { return p.block(d, b, f.Last) })
	}
	if s.block.open { // nothing comes between the frames of a header block
		return false
	}
	switch h.kind {
	case http2.FrameData:
		return p.body(d, h, f)
	case http2.FrameRSTStream:
		p.reset(d, h, f)
	case http2.FrameGoAway:
		p.goAway(d, f)
	}
	return true
}

// block reads the headers of a stream, or its trailers. All are read, whosever they are: the table of those that follow depends on them.
func (p *Parser) block(d protocol.Direction, b block, last time.Time) bool {
	side := &p.sides[d]
	switch was, bare := side.uncover(b.stream, p.bodies(d)); {
	case bare && d == protocol.Request:
		p.strange = was.strange
	case bare:
		b.size += was.size
	}
	h, _ := side.table.read(b.bytes, b.whole)
	if b.pushed || b.stream%2 == 0 {
		p.strange = true
		return true
	}
	if d == protocol.Request {
		return p.request(h, b)
	}
	s, ok := p.answering(b.stream)
	if s == nil {
		return ok
	}
	s.came(b.first, last, b.size)
	s.respond(h, b)
	if b.endStream {
		p.answerEnded(b.stream, s)
	}
	return true
}

func (p *Parser) request(h headers, b block) bool {
	s := p.streams[b.stream]
	if b.stream <= p.newest { // trailers
		p.trailed = true
		if s != nil {
			s.call.RequestBytes += b.size
		}
		return true
	}
	p.newest = b.stream
	p.forgetEarly(b.stream)
	if s == nil {
		s = &stream{}
	}
	if !s.ask(h, b) {
		p.strange = true
		delete(p.streams, b.stream)
		return true
	}
	s.uncertain = s.uncertain || !b.first.After(p.unseen)
	if s.ended {
		p.finish(b.stream, s, s.answeredCall())
		return true
	}
	return p.add(b.stream, s)
}

// answering finds the stream that an answer is of, and nil if that does not matter. An answer may be read before its request was noted. ok is false if there are too many.
func (p *Parser) answering(id uint32) (s *stream, ok bool) {
	s = p.streams[id]
	switch {
	case s != nil && s.ended, s == nil && (id <= p.newest || !p.sides[protocol.Request].found):
		return nil, true
	case s == nil:
		s = &stream{}
		return s, p.add(id, s)
	}
	return s, true
}

// add notes a stream. Too many make those go of which the end may have been missed; it returns false if there are still too many.
func (p *Parser) add(id uint32, s *stream) bool {
	if len(p.streams) >= protocol.MaxPending {
		maps.DeleteFunc(p.streams, func(_ uint32, s *stream) bool { return s.uncertain || !s.asked })
		p.strange = true
	}
	p.streams[id] = s
	return len(p.streams) <= protocol.MaxPending
}

// forgetEarly drops answers whose requests were never seen: a later one was.
func (p *Parser) forgetEarly(before uint32) {
	maps.DeleteFunc(p.streams, func(id uint32, s *stream) bool {
		missed := !s.asked && id < before
		p.strange = p.strange || missed
		return missed
	})
}

func (p *Parser) body(d protocol.Direction, h head, f protocol.Frame) bool {
	if d == protocol.Request {
		if s := p.streams[h.stream]; s != nil {
			s.call.RequestBytes += f.Size
		}
		return true
	}
	if h.stream%2 == 0 {
		return true
	}
	s, ok := p.answering(h.stream)
	if s == nil {
		return ok
	}
	s.came(f.First, f.Last, f.Size)
	s.data = s.data || h.size > 0
	if h.flags.Has(http2.FlagDataEndStream) {
		p.answerEnded(h.stream, s)
	}
	return ok
}

func (p *Parser) answerEnded(id uint32, s *stream) {
	s.ended = true
	if s.asked {
		p.finish(id, s, s.answeredCall())
	}
}

// reset ends a stream that one end breaks off. One that does so without an error has all it wants: the answer may be on its way.
func (p *Parser) reset(d protocol.Direction, h head, f protocol.Frame) {
	if d == protocol.Request {
		p.broken = p.newest
	}
	s := p.streams[h.stream]
	if s == nil {
		return
	}
	code := http2.ErrCodeNo
	if len(f.Bytes) >= headSize+4 {
		code = http2.ErrCode(binary.BigEndian.Uint32(f.Bytes[headSize:]))
	}
	if code == http2.ErrCodeNo || !s.asked {
		s.uncertain = true
		return
	}
	p.finish(h.stream, s, s.resetCall(f.Last, code))
}

// goAway ends the streams that the server says it will not answer.
func (p *Parser) goAway(d protocol.Direction, f protocol.Frame) {
	if d == protocol.Request || len(f.Bytes) < headSize+4 {
		return
	}
	last := binary.BigEndian.Uint32(f.Bytes[headSize:]) & (1<<31 - 1)
	for _, id := range slices.Sorted(maps.Keys(p.streams)) {
		if s := p.streams[id]; id > last {
			p.finish(id, s, s.asked && s.resetCall(f.Last, http2.ErrCodeRefusedStream))
		}
	}
}

func (p *Parser) finish(id uint32, s *stream, known bool) {
	delete(p.streams, id)
	if known {
		p.emit(s.call)
	}
}
