package cassandra

import (
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// maxKept is how much of an envelope or a segment is looked at.
const maxKept = 8 << 10

// Parser reads one connection. It implements protocol.Parser.
type Parser struct {
	sql        *template.SQL
	everywhere *Prepared
	here       *Prepared // of this connection alone
	emit       func(protocol.Call)

	pending   protocol.Pending[int16] // by stream
	preparing map[int16]preparing     // :: stream → what is prepared under it
	early     map[int16]answer        // :: stream → an answer that came before its request was told: of two threads on a connection, one may be late

	client, server side
	fresh          bool      // no request was seen
	registered     bool      // for events: the server speaks unasked
	certain        time.Time // what was asked before may have had an answer that was not seen
	keyspace       string
	compression    string
}

var _ protocol.Parser = (*Parser)(nil)

// New returns a parser that hands each answered statement to emit.
func New(sql *template.SQL, prepared *Prepared, emit func(protocol.Call)) *Parser {
	p := &Parser{sql: sql, everywhere: prepared, here: NewPrepared(maxPreparedHere), emit: emit, preparing: map[int16]preparing{}, early: map[int16]answer{}, fresh: true}
	p.client.envelopes = protocol.Frames{
		Head: headSize, Keep: maxKept,
		Size:   func(b []byte) int64 { return size(b, false) },
		Begins: func(b []byte) bool { return size(b, false) > 0 && chained(b, false) },
	}
	p.server.envelopes = protocol.Frames{
		Head: headSize, Keep: maxKept,
		Size:   func(b []byte) int64 { return size(b, true) },
		Begins: p.answerBegins,
	}
	return p
}

// Data implements protocol.Parser.
func (p *Parser) Data(d protocol.Direction, at time.Time, b []byte) bool {
	if d == protocol.Request {
		p.begin(b)
		return p.client.data(at, b, p.asked)
	}
	was := p.server.lost()
	ok := p.server.data(at, b, p.answered)
	p.doubt(was, at)
	return ok
}

// Hole implements protocol.Parser.
func (p *Parser) Hole(d protocol.Direction, at time.Time, n int64) bool {
	if d == protocol.Request {
		return p.client.hole(at, n, p.asked)
	}
	was := p.server.lost()
	ok := p.server.hole(at, n, p.answered)
	p.doubt(was, at)
	return ok
}

// Idle implements protocol.Parser.
func (p *Parser) Idle() bool { return p.pending.Len() == 0 && !p.registered && !p.client.lost() }

// Close implements protocol.Parser.
func (p *Parser) Close(at time.Time) {
	if p.server.lost() {
		return
	}
	p.pending.Close(at, func(c protocol.Call) {
		if c.Start.After(p.certain) && !quiet(c.Operation) {
			p.emit(c)
		}
	})
}

// begin looks at the first request: on a connection that is met half-way, the server may be in the middle of an answer.
func (p *Parser) begin(b []byte) {
	if !p.fresh {
		return
	}
	p.fresh = false
	h, ok := readHead(b)
	if len(b) < headSize || ok && (h.opcode == opOptions || h.opcode == opStartup) {
		return
	}
	if compressed, ok := segmentedFrom(b); ok {
		p.client.segmented(compressed)
		p.server.segmented(compressed)
	}
	p.server.lose()
}

// doubt notes when the place among the answers was lost or found again. What was asked before it was lost is not waited for.
func (p *Parser) doubt(was bool, at time.Time) {
	now := p.server.lost()
	if now == was {
		return
	}
	p.certain = at
	if now {
		p.pending = protocol.Pending[int16]{}
		clear(p.early)
		clear(p.preparing)
	}
}

// answerBegins tells whether b, in the middle of a connection, begins with answers, one of them to a request that waits.
func (p *Parser) answerBegins(b []byte) bool {
	if !chained(b, true) {
		return false
	}
	for len(b) >= headSize {
		h, _ := readHead(b)
		if h.opcode != opEvent && p.pending.Has(h.stream) {
			return true
		}
		b = b[min(headSize+int64(h.length), int64(len(b))):]
	}
	return false
}

// body is what can be read of an envelope's body, nil if it is compressed and not whole.
func (p *Parser) body(h head, f protocol.Frame) *body {
	b := f.Bytes[headSize:]
	if h.flags&flagCompressed == 0 || h.version == 5 {
		return &body{b: b}
	}
	if int64(len(b)) < int64(h.length) {
		return nil
	}
	if b, ok := inflate(p.compression, b); ok {
		return &body{b: b}
	}
	return nil
}
