package mysql

import (
	"bytes"
	"strings"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// maxStatements is how many prepared statements of one connection are remembered.
const maxStatements = 512

// Parser reads one connection. It implements protocol.Parser.
type Parser struct {
	emit         func(protocol.Call)
	sql          *template.SQL
	statements   *simplelru.LRU[uint32, *template.Statement]
	database     string
	capabilities uint32
	escapes      bool                // backslashes escape in values, as the server says after each command
	preparing    *template.Statement // prepared last

	pending        []op // oldest first
	client, server protocol.Frames
	fresh          bool  // it is not known yet whether packets are packed
	met            bool  // a packet of the client was read
	answers        bool  // the client's last command is one that is answered
	continued      bool  // the client's next packet goes on with the one before
	more           bool  // the server's does
	arrived        int64 // bytes of the server since the oldest command is the oldest
	last           time.Time

	opening []byte // a packet's head, sent or read by itself, while the rest is needed to know what it is
	opened  time.Time

	packed *compression // nil: packets are as they are
}

var _ protocol.Parser = (*Parser)(nil)

// New returns a parser that hands each answered command to emit. sql is of MySQL, and may be shared by parsers of one goroutine.
func New(sql *template.SQL, emit func(protocol.Call)) *Parser {
	statements, err := simplelru.NewLRU[uint32, *template.Statement](maxStatements, nil)
	if err != nil {
		panic(err) // only for a size below 1
	}
	p := &Parser{emit: emit, sql: sql, statements: statements, fresh: true}
	p.client = protocol.Frames{Head: packetHead, Keep: maxKept, Size: packetSize, Begins: isCommand}
	p.server = protocol.Frames{Head: packetHead, Keep: maxKept, Size: packetSize}
	return p
}

// Data implements protocol.Parser.
func (p *Parser) Data(d protocol.Direction, at time.Time, b []byte) bool {
	if d == protocol.Request && p.packed == nil && (p.fresh || p.client.Lost()) {
		if at, b = p.open(at, b); b == nil {
			return true
		}
	}
	return p.read(d, at, b)
}

// open returns what a client begins with, or goes on with after it was lost, with the head before it that came by itself; nil if b is only that.
func (p *Parser) open(at time.Time, b []byte) (time.Time, []byte) {
	if whole := append(p.opening, b...); len(p.opening) > 0 && (p.fresh || isCommand(whole)) {
		at, b = p.opened, whole
	}
	p.opening = nil
	if len(b) < packetHead || len(b) <= packedHead && int64(len(b)) < packetSize(b) {
		p.opening, p.opened = bytes.Clone(b), at
		return at, nil
	}
	if inner, ok := packedCommand(b); p.fresh && ok && isCommand(inner) {
		p.compress()
	}
	p.fresh = false
	return at, b
}

func (p *Parser) read(d protocol.Direction, at time.Time, b []byte) bool {
	if p.packed != nil {
		return p.packed.data(p, d, at, b)
	}
	return p.plain(d, at, b)
}

func (p *Parser) plain(d protocol.Direction, at time.Time, b []byte) bool {
	if d == protocol.Request {
		if !p.client.Data(at, b, p.asked) {
			return false
		}
		if p.client.Lost() {
			p.torn()
		}
		return true
	}
	p.last = at
	p.arrived += int64(len(b))
	if p.server.Lost() {
		return p.resume(b)
	}
	return p.server.Data(at, b, p.answered)
}

// Hole implements protocol.Parser.
func (p *Parser) Hole(d protocol.Direction, at time.Time, n int64) bool {
	if b := p.opening; d == protocol.Request && len(b) > 0 {
		p.opening, p.fresh = nil, false
		if !p.read(d, p.opened, b) {
			return false
		}
	}
	if p.packed != nil {
		return p.packed.hole(p, d, at, n)
	}
	return p.missing(d, at, n)
}

func (p *Parser) missing(d protocol.Direction, at time.Time, n int64) bool {
	if d == protocol.Request {
		if !p.client.Hole(at, n, p.asked) {
			return false
		}
		if p.client.Lost() {
			p.torn()
		}
		return true
	}
	p.last = at
	p.arrived += n
	if len(p.pending) > 0 {
		p.pending[0].note(at)
	}
	return p.server.Hole(at, n, p.answered)
}

// note is for bytes of an answer that are not read.
func (o *op) note(at time.Time) {
	if o.first.IsZero() {
		o.first = at
	}
}

// Idle implements protocol.Parser. What ends an answer that was told already is not held back if its beginning was not.
func (p *Parser) Idle() bool {
	return len(p.pending) == 0 && (p.server.Lost() || p.server.Left() == 0) && (p.packed == nil || p.packed.server.Left() == 0)
}

// Close implements protocol.Parser.
func (p *Parser) Close(at time.Time) {
	if p.server.Lost() && !p.finishUnread() {
		p.pending = nil
	}
	for _, o := range p.pending {
		if o.Operation == "" {
			o.Operation = "QUERY"
		}
		if st := o.statement; st != nil {
			o.Operation, o.Query, o.Resource, o.Summary = st.Operation, st.Text, st.Table, st.Summary
		}
		o.Unanswered(at)
		if !o.quiet || o.command == 0 {
			p.emit(o.Call)
		}
	}
	p.pending = nil
}

// loggedIn is for after the login: packets may be packed from now on.
func (p *Parser) loggedIn(o op) bool {
	switch {
	case o.Failed || p.capabilities&(withCompress|withZstd) == 0:
		return true
	case p.capabilities&withCompress == 0:
		return false
	}
	p.compress()
	return true
}

// used is the database of a USE statement, "" if it is not plain.
func used(text string) string {
	name := strings.Trim(strings.TrimSpace(text[len("USE"):]), "`; ")
	if strings.ContainsAny(name, "?` ") {
		return ""
	}
	return template.Cut(name, maxDatabase)
}
