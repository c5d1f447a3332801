package postgres

import (
	"encoding/binary"
	"time"
)

// server reads what the server sends and completes what was asked for.
func (p *Parser) server(at time.Time, cut bool) bool {
	for {
		if o := p.front(); o != nil && o.kind == opEncrypt {
			done, ok := p.encryption()
			if !ok || !done {
				return ok
			}
			continue
		}
		m, wait, bad := p.answers.next(cut)
		if bad {
			p.loseServer()
			p.strikes++
			return p.strikes < maxStrikes
		}
		if wait {
			return true
		}
		if !p.told(m, at) {
			return false
		}
	}
}

// encryption reads the one letter that answers a request for encryption. Only "no" leaves something to read.
func (p *Parser) encryption() (done, ok bool) {
	b := p.answers.Bytes()
	if len(b) == 0 {
		return false, true
	}
	if b[0] != 'N' {
		return false, false
	}
	p.answers.Next(1)
	p.pending = p.pending[1:]
	return true, true
}

func (p *Parser) told(m message, at time.Time) bool {
	p.answered += m.size
	if o := p.front(); o != nil && o.first.IsZero() && m.kind != 'N' && m.kind != 'A' && m.kind != 'S' {
		o.first = at
	}
	switch m.kind {
	case '1':
		if o := p.front(); o != nil && o.kind == opParse {
			p.pending = p.pending[1:]
		}
	case 'C':
		tag, _ := field(m.body)
		p.commandComplete(tag, at)
	case 'I', 's':
		p.commandComplete("", at)
	case 'E':
		p.failed(readError(m.body), at)
	case 'Z':
		p.ready(at)
		p.answered = 0
	case 'W':
		return false // replication: both ends talk when they like
	}
	return true
}

// commandComplete ends the next Execute; a simple query goes on until the server is ready.
func (p *Parser) commandComplete(tag string, at time.Time) {
	for len(p.pending) > 0 {
		o := &p.pending[0]
		switch o.kind {
		case opParse: // its ParseComplete was not seen
			p.pending = p.pending[1:]
			continue
		case opExecute:
			o.tag = tag
			p.finish(at)
		case opQuery:
			o.tag = tag
		}
		return
	}
}

// failed gives the error to the operation the server is at. It then ignores the rest up to the next Sync.
func (p *Parser) failed(e serverError, at time.Time) {
	o := p.front()
	if o == nil {
		return
	}
	o.err = e
	switch o.kind {
	case opParse, opExecute:
		p.finish(at)
		for len(p.pending) > 0 && p.pending[0].kind != opSync {
			p.pending = p.pending[1:]
		}
	case opStart: // fatal: nothing follows
		p.finish(at)
	}
}

// ready ends everything up to the Sync or the query that asked for it. Executes still open are complete: their
// CommandComplete lay in a hole.
func (p *Parser) ready(at time.Time) {
	for len(p.pending) > 0 {
		o := &p.pending[0]
		switch o.kind {
		case opExecute:
			p.finish(at)
		case opQuery:
			p.finish(at)
			return
		default:
			p.pending = p.pending[1:]
			if o.kind == opSync || o.kind == opStart {
				return
			}
		}
	}
}

// finish emits the operation at the front.
func (p *Parser) finish(at time.Time) {
	o := p.pending[0]
	p.pending = p.pending[1:]
	call := o.call(p.database, at)
	call.ResponseBytes = p.answered
	p.answered = 0
	p.emit(call)
}

// loseServer is for answers of which bytes are missing. Their end is then recognised by their last bytes, or by the
// next query.
func (p *Parser) loseServer() {
	p.answers.Reset()
	p.serverLost = true
}

// resume looks for the end of an answer in bytes that end a transfer. What comes just before ReadyForQuery tells how it
// went.
func (p *Parser) resume(at time.Time, b []byte) {
	p.lastAnswer = at
	z, ok := readyAtEnd(b)
	if !ok {
		return
	}
	p.serverLost = false
	if kind, body := messageBefore(b, z); kind == 'C' {
		tag, _ := field(body)
		p.commandComplete(tag, at)
	} else if kind == 'E' {
		p.failed(readError(body), at)
	}
	p.ready(at)
}

// readyAtEnd tells whether b ends with ReadyForQuery, and where that begins.
func readyAtEnd(b []byte) (at int, ok bool) {
	at = len(b) - 6
	if at < 0 || b[at] != 'Z' || binary.BigEndian.Uint32(b[at+1:]) != 5 {
		return 0, false
	}
	state := b[at+5]
	return at, state == 'I' || state == 'T' || state == 'E'
}

// messageBefore finds a CommandComplete or an ErrorResponse that ends at end.
func messageBefore(b []byte, end int) (kind byte, body []byte) {
	for i := end - 6; i >= 0; i-- {
		if int(binary.BigEndian.Uint32(b[i+1:])) != end-i-1 || b[end-1] != 0 {
			continue
		}
		if b[i] == 'C' && isUpper(b[i+5]) || b[i] == 'E' && b[i+5] == 'S' {
			return b[i], b[i+5 : end]
		}
	}
	return 0, nil
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }
