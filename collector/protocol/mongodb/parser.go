package mongodb

import (
	"slices"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

// maxKept is how much of a message is looked at.
const maxKept = 8 << 10

// Parser reads one connection. It implements protocol.Parser.
type Parser struct {
	emit           func(protocol.Call)
	client, server protocol.Frames
	pending        protocol.Pending[int32] // :: id of the request → its call
}

var _ protocol.Parser = (*Parser)(nil)

// New returns a parser that hands each command that was answered to emit, and each that needs no answer.
func New(emit func(protocol.Call)) *Parser {
	p := &Parser{emit: emit}
	p.client = protocol.Frames{Head: headSize, Size: frameSize, Keep: maxKept, Begins: func(b []byte) bool { return requests(b, false) || Resumes(b) }}
	p.server = protocol.Frames{Head: headSize, Size: frameSize, Keep: maxKept, Begins: p.answerBegins}
	p.server.Lose() // a connection that is met half-way may be in the middle of an answer
	return p
}

// Data implements protocol.Parser.
func (p *Parser) Data(d protocol.Direction, at time.Time, b []byte) bool {
	if d == protocol.Request {
		return p.client.Data(at, b, p.asked)
	}
	return p.server.Data(at, b, p.answered)
}

// Hole implements protocol.Parser.
func (p *Parser) Hole(d protocol.Direction, at time.Time, n int64) bool {
	if d == protocol.Request {
		return p.client.Hole(at, n, p.asked)
	}
	lost := p.server.Lost()
	ok := p.server.Hole(at, n, p.answered)
	if !lost && p.server.Lost() { // whatever was asked may have been answered there
		p.pending = protocol.Pending[int32]{}
	}
	return ok
}

// Idle implements protocol.Parser.
func (p *Parser) Idle() bool { return p.pending.Len() == 0 && !p.client.Lost() }

// Close implements protocol.Parser.
func (p *Parser) Close(at time.Time) {
	p.pending.Close(at, func(c protocol.Call) {
		if told(c) {
			p.emit(c)
		}
	})
}

// asked takes a message of the client.
func (p *Parser) asked(f protocol.Frame) bool {
	m, ok := readMessage(f)
	if !ok || m.op == opReply {
		return false
	}
	if m.op == opKillCursors {
		return true
	}
	c := protocol.Call{Protocol: protocol.MongoDB, Start: f.First, Offset: f.Offset, RequestBytes: f.Size}
	m.command(&c)
	if m.op == opInsert || m.op == opUpdate || m.op == opDelete || m.flags&moreToCome != 0 && m.op == opMsg {
		c.Kind, c.Duration = protocol.Sent, max(f.Last.Sub(f.First), 0)
		if told(c) {
			p.emit(c)
		}
		return true
	}
	return p.pending.Add(m.id, c)
}

// answered takes a message of the server. One that comes again and again is told the first time.
func (p *Parser) answered(f protocol.Frame) bool {
	m, ok := readMessage(f)
	if !ok || m.op != opReply && m.op != opMsg {
		return false
	}
	c, ok := p.pending.Take(m.responseTo)
	if !ok {
		return true
	}
	c.Answered(f.First, f.Last)
	c.ResponseBytes = f.Size
	if m.fail(&c); told(c) {
		p.emit(c)
	}
	return true
}

// told tells whether a call is one to be told.
func told(c protocol.Call) bool {
	return c.Operation != "" && (c.Failed && c.ErrorType != protocol.ConnectionClosed || !slices.Contains(quiet, c.Operation))
}

// answerBegins tells whether b begins with the answer to a request that waits.
func (p *Parser) answerBegins(b []byte) bool {
	if len(b) < headSize || frameSize(b) == 0 {
		return false
	}
	h := readHead(b)
	return (h.op == opReply || h.op == opMsg || h.op == opCompressed) && p.pending.Has(h.responseTo)
}
