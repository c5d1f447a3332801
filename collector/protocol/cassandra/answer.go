package cassandra

import (
	"strconv"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// Kinds of results.
const (
	resultKeyspace = 3
	resultPrepared = 4
)

const maxKeyspace = 64

// answer is what an answer says.
type answer struct {
	opcode      byte
	known       bool // of an error: its code and text
	code        int32
	text        string
	id          string // of what was prepared
	keyspace    string // that the connection is in from now on
	first, last time.Time
	size        int64
}

// answered takes an answer or an event.
func (p *Parser) answered(f protocol.Frame) bool {
	h, ok := readHead(f.Bytes)
	if !ok {
		return false
	}
	if h.opcode == opEvent {
		p.registered = true
		return true
	}
	a := p.readAnswer(h, f)
	c, ok := p.pending.Take(h.stream)
	if !ok {
		if len(p.early) >= protocol.MaxPending {
			clear(p.early)
		}
		p.early[h.stream] = a
		return true
	}
	p.settle(h.stream, c, a)
	if c.Operation == "STARTUP" && h.version == 5 && a.opcode != opError {
		p.server.segmented(p.compression != "")
	}
	return true
}

// takeEarly finds the answer that came before a request. One that was sent earlier than the request answers another that was never seen.
func (p *Parser) takeEarly(stream int16, c protocol.Call) (answer, bool) {
	a, ok := p.early[stream]
	delete(p.early, stream)
	return a, ok && a.first.After(c.Start)
}

func (p *Parser) readAnswer(h head, f protocol.Frame) answer {
	a := answer{opcode: h.opcode, first: f.First, last: f.Last, size: f.Size}
	r := p.body(h, f)
	if r == nil {
		return a
	}
	preamble(r, h.flags)
	switch h.opcode {
	case opError:
		a.code = r.int()
		text := r.take(min(r.short(), len(r.b)))
		if a.known = !r.cut; a.known {
			a.text = failureText(a.code, string(text))
		}
	case opResult:
		switch kind := r.int(); {
		case r.cut:
		case kind == resultKeyspace:
			a.keyspace = template.Cut(string(r.shortBytes()), maxKeyspace)
		case kind == resultPrepared:
			a.id = string(r.shortBytes())
		}
	}
	return a
}

// preamble passes over what comes before an answer's message.
func preamble(r *body, flags byte) {
	if flags&flagTracing != 0 {
		r.take(16)
	}
	if flags&flagWarnings != 0 {
		for n := r.short(); n > 0 && !r.cut; n-- {
			r.shortBytes()
		}
	}
	if flags&flagPayload != 0 {
		traceParent(r)
	}
}

// settle ends a call with its answer. Preparing, logging in and asking whether the server lives are calls only if they fail.
func (p *Parser) settle(stream int16, c protocol.Call, a answer) {
	c.Answered(a.first, a.last)
	c.ResponseBytes = a.size
	if a.keyspace != "" {
		p.keyspace = a.keyspace
	}
	if s, ok := p.preparing[stream]; ok {
		delete(p.preparing, stream)
		p.prepared(s, []byte(a.id))
	}
	if a.opcode == opError {
		c.Failed, c.ErrorType = true, "ERROR"
		if a.known {
			c.Status, c.ErrorType, c.Error = strconv.Itoa(int(a.code)), failureName(a.code), a.text
		}
	}
	if c.Failed || !quiet(c.Operation) {
		p.emit(c)
	}
}

// quiet says that a request is no call of its own.
func quiet(operation string) bool {
	switch operation {
	case "STARTUP", "OPTIONS", "PREPARE", "REGISTER", "AUTH_RESPONSE":
		return true
	}
	return false
}
