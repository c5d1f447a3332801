package http1

import (
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// maxPath bounds Call.Path, in bytes.
const maxPath = 256

// exchange is a request and what is known of its answer.
type exchange struct {
	call     protocol.Call
	answered bool // a final status was read
}

// Parser reads one connection. It implements protocol.Parser.
type Parser struct {
	emit     func(protocol.Call)
	requests side
	answers  side
	pending  []*exchange // :: oldest first; the last one's request may still be arriving
	// reading is the exchange whose request is arriving. It may already be answered and gone from pending.
	reading *exchange
	upgrade bool
}

var _ protocol.Parser = (*Parser)(nil)

// New returns a parser that hands each completed exchange to emit.
func New(emit func(protocol.Call)) *Parser {
	p := &Parser{emit: emit}
	p.requests = side{onHead: p.request, onEnd: p.requestEnded, starts: Recognize}
	p.answers = side{onHead: p.answer, onEnd: p.answerEnded, starts: startsAnswer}
	return p
}

func startsAnswer(b []byte) bool {
	return len(b) >= 7 && string(b[:7]) == "HTTP/1."
}

// Data implements protocol.Parser.
func (p *Parser) Data(d protocol.Direction, at time.Time, b []byte) bool {
	return p.side(d).data(at, b)
}

// Hole implements protocol.Parser.
func (p *Parser) Hole(d protocol.Direction, at time.Time, n int64) bool {
	return p.side(d).hole(at, n)
}

// Idle implements protocol.Parser.
func (p *Parser) Idle() bool { return len(p.pending) == 0 }

func (p *Parser) side(d protocol.Direction) *side {
	if d == protocol.Request {
		return &p.requests
	}
	return &p.answers
}

func (p *Parser) request(h *head) (state, bool) {
	method, target, ok := h.request()
	if !ok || len(p.pending) >= protocol.MaxPending {
		return 0, false
	}
	if p.answers.state == lost && p.answers.open { // the client would not go on before the answer was whole
		p.answers.end(p.answers.last)
	}
	whole := path(target)
	p.reading = &exchange{call: protocol.Call{
		Protocol:     protocol.HTTP,
		Start:        p.requests.begun,
		Offset:       p.requests.offset,
		Operation:    method,
		Resource:     template.Route(whole),
		Path:         template.Cut(whole, maxPath),
		RequestBytes: p.requests.size,
		TraceParent:  h.trace.TraceParent(),
	}}
	p.pending = append(p.pending, p.reading)
	switch {
	case h.chunked:
		return inChunkSize, true
	default:
		return inLength, true // without a length a request has no body
	}
}

func (p *Parser) requestEnded(time.Time) bool {
	p.reading.call.RequestBytes = p.requests.size
	p.reading = nil
	return true
}

func (p *Parser) answer(h *head) (state, bool) {
	code, ok := h.status()
	if !ok {
		return 0, false
	}
	if len(p.pending) == 0 { // the answer to a request from before we looked
		return p.body(h, "GET", code), true
	}
	x := p.pending[0]
	if x.call.FirstByte == 0 {
		x.call.FirstByte = p.answers.begun.Sub(x.call.Start)
	}
	if code[0] == '1' && code != "101" {
		return inLength, true // an interim answer: no body, the final one follows
	}
	x.answered = true
	x.call.Status = code
	p.upgrade = code == "101" || x.call.Operation == "CONNECT" && code[0] == '2'
	return p.body(h, x.call.Operation, code), true
}

// body says how the body of an answer ends (RFC 9112, section 6.3).
func (p *Parser) body(h *head, method, code string) state {
	switch {
	case method == "HEAD" || code[0] == '1' || code == "204" || code == "304" || p.upgrade:
		h.length = 0
		return inLength
	case h.chunked:
		return inChunkSize
	case h.length >= 0:
		return inLength
	default:
		return untilClose
	}
}

func (p *Parser) answerEnded(at time.Time) bool {
	if len(p.pending) == 0 || !p.pending[0].answered {
		return true
	}
	x := p.pending[0]
	p.pending = p.pending[1:]
	p.finish(x, at)
	return !p.upgrade
}

func (p *Parser) finish(x *exchange, at time.Time) {
	if x == p.reading {
		x.call.RequestBytes = p.requests.size
	}
	if x.answered {
		x.call.ResponseBytes = p.answers.size
	}
	x.call.Duration = max(at.Sub(x.call.Start), 0)
	p.emit(x.call)
}

// Close implements protocol.Parser.
func (p *Parser) Close(at time.Time) {
	if p.answers.open && (p.answers.state == untilClose || p.answers.state == lost) {
		p.answers.end(p.answers.last)
	}
	if h := readHead(p.answers.stream.Bytes()); p.answers.state == inHead && len(p.pending) > 0 {
		p.pending[0].call.Status, _ = h.status() // of a head cut short
	}
	for _, x := range p.pending {
		x.call.Failed, x.call.ErrorType = true, protocol.ConnectionClosed
		x.call.Error = "the connection was closed before the answer was complete"
		p.finish(x, at)
	}
	p.pending = nil
}
