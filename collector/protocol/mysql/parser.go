package mysql

import (
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

	pending        []op // oldest first
	client, server protocol.Frames
	fresh          bool // nothing was read yet
	met            bool // a packet of the client was
	continued      bool // the client's next packet goes on with the one before
	more           bool // the server's does
	last           time.Time

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
	if d == protocol.Request && p.fresh {
		p.fresh = false
		if inner, ok := packedCommand(b); ok && isCommand(inner) {
			p.packed = newCompression()
		}
	}
	if p.packed != nil {
		return p.packed.data(p, d, at, b)
	}
	return p.plain(d, at, b)
}

func (p *Parser) plain(d protocol.Direction, at time.Time, b []byte) bool {
	if d == protocol.Request {
		return p.client.Data(at, b, p.asked)
	}
	p.last = at
	if p.server.Lost() {
		p.resume(b)
		return true
	}
	return p.server.Data(at, b, p.answered)
}

// Hole implements protocol.Parser.
func (p *Parser) Hole(d protocol.Direction, at time.Time, n int64) bool {
	if p.packed != nil {
		return p.packed.hole(p, d, at, n)
	}
	return p.missing(d, at, n)
}

func (p *Parser) missing(d protocol.Direction, at time.Time, n int64) bool {
	if d == protocol.Request {
		return p.client.Hole(at, n, p.asked)
	}
	p.last = at
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

// Idle implements protocol.Parser.
func (p *Parser) Idle() bool { return len(p.pending) == 0 }

// Close implements protocol.Parser.
func (p *Parser) Close(at time.Time) {
	if p.server.Lost() {
		p.finishAll()
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

// resume looks for the end of an answer of which bytes are missing: a packet that ends rows, at the end of a transfer.
func (p *Parser) resume(b []byte) {
	if len(p.pending) != 1 || !endsRows(b) {
		return
	}
	p.pending[0].note(p.last)
	p.finishAll()
}

// endsRows tells whether b ends with a packet that ends rows, and no other result follows.
func endsRows(b []byte) bool {
	for _, size := range []int{5, 7} { // EOF; OK
		if n := len(b) - packetHead - size; n >= 0 {
			head, body := b[n:n+packetHead], b[n+packetHead:]
			if packetSize(head) == int64(packetHead+size) && isEnd(body, int64(size)) && status(body)&moreResults == 0 {
				return true
			}
		}
	}
	return false
}

// finishAll completes what was answered out of sight: the server's next packet is the first of an answer again.
func (p *Parser) finishAll() {
	for len(p.pending) > 0 {
		p.pending[0].note(p.last)
		p.finish(p.last)
	}
	p.more = false
	p.server = protocol.Frames{Head: packetHead, Keep: maxKept, Size: packetSize}
}

// loggedIn is for after the login: packets may be packed from now on.
func (p *Parser) loggedIn(o op) bool {
	switch {
	case o.Failed || p.capabilities&(withCompress|withZstd) == 0:
		return true
	case p.capabilities&withCompress == 0:
		return false
	}
	p.packed = newCompression()
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
