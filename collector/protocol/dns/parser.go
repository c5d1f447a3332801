package dns

import (
	"encoding/binary"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

const (
	prefix     = 2  // bytes before a message on TCP, which say how long it is
	head       = 12 // bytes of a message before its question
	maxMessage = 4 << 10
)

// Parser reads one TCP connection. It implements protocol.Parser.
type Parser struct {
	emit    func(protocol.Call)
	pending protocol.Pending[question]

	questions, answers protocol.Frames
}

var _ protocol.Parser = (*Parser)(nil)

// New returns a parser that hands each answered question to emit.
func New(emit func(protocol.Call)) *Parser {
	frames := protocol.Frames{Head: prefix, Keep: maxMessage, Size: func(b []byte) int64 {
		if n := int64(binary.BigEndian.Uint16(b)); n >= head {
			return prefix + n
		}
		return 0
	}}
	p := &Parser{emit: emit, questions: frames, answers: frames}
	p.questions.Begins = Recognize
	return p
}

// Data implements protocol.Parser.
func (p *Parser) Data(d protocol.Direction, at time.Time, b []byte) bool {
	if d == protocol.Request {
		return p.questions.Data(at, b, p.asked)
	}
	return p.answers.Data(at, b, p.answered)
}

// Hole implements protocol.Parser.
func (p *Parser) Hole(d protocol.Direction, at time.Time, n int64) bool {
	if d == protocol.Request {
		return p.questions.Hole(at, n, p.asked)
	}
	return p.answers.Hole(at, n, p.answered) && !p.answers.Lost() // lookups are short: the next connection will do
}

// Idle implements protocol.Parser.
func (p *Parser) Idle() bool { return p.pending.Len() == 0 }

func (p *Parser) asked(f protocol.Frame) bool {
	q, h, ok := asked(f.Bytes[prefix:])
	if !ok || h.Response {
		return false // a transfer of a zone, an update
	}
	return p.pending.Add(q, q.call(f.Size, f.First))
}

func (p *Parser) answered(f protocol.Frame) bool {
	q, h, ok := asked(f.Bytes[prefix:])
	if !ok || !h.Response {
		return false
	}
	if c, ok := p.pending.Take(q); ok {
		c.Answered(f.First, f.Last)
		answered(&c, h, f.Size)
		p.emit(c)
	}
	return true
}

// Close implements protocol.Parser.
func (p *Parser) Close(at time.Time) { p.pending.Close(at, p.emit) }

// Recognize tells whether b begins with a question as it is asked over TCP, on a new connection or in the middle of one: there is no other message in it,
// or a whole one after it.
func Recognize(b []byte) bool {
	if len(b) < prefix+head || len(b) < prefix+int(binary.BigEndian.Uint16(b)) {
		return false
	}
	q, h, ok := asked(b[prefix : prefix+int(binary.BigEndian.Uint16(b))])
	return ok && !h.Response && !h.Authoritative && !h.RecursionAvailable && h.RCode == 0 && q.kind != "other"
}
