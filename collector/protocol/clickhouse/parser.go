package clickhouse

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// stage is what a client sends next.
type stage uint8

const (
	greeting stage = iota // a Hello
	adding                // an addendum, if the revision has one, then packets
	asking                // a packet
	working               // blocks, of which the length is not told, while a query is answered
)

// Parser reads one connection. It implements protocol.Parser.
type Parser struct {
	sql  *template.SQL
	emit func(protocol.Call)

	client   protocol.Stream
	stage    stage
	begun    time.Time // first byte of the packet being read
	offset   int64     // of that byte
	unread   int64     // bytes of that packet that were given
	hello    hello
	changes  bool   // the query makes another database the connection's, if it succeeds
	using    string // that database, if it is certain
	revision int    // that both ends know; 0: not known

	server server
	call   *protocol.Call // that waits for its answer; nil: there is none
	quiet  bool           // it is a greeting or a ping, and a call only if it fails
}

var _ protocol.Parser = (*Parser)(nil)

// New returns a parser that hands each answered query to emit.
func New(sql *template.SQL, emit func(protocol.Call)) *Parser { return &Parser{sql: sql, emit: emit} }

// Idle implements protocol.Parser.
func (p *Parser) Idle() bool { return p.call == nil }

// Data implements protocol.Parser.
func (p *Parser) Data(d protocol.Direction, at time.Time, b []byte) bool {
	if len(b) == 0 {
		return true
	}
	if d == protocol.Response {
		return p.answered(at, b)
	}
	if p.stage == greeting && p.begun.IsZero() && b[0] == clientQuery { // met half-way
		revision, ok := layout(b)
		if !ok {
			return false
		}
		p.revision, p.stage, p.server.guessed = revision, asking, true
	}
	if p.stage == working {
		if !p.asks(b) {
			p.client.Pass(int64(len(b)))
			p.count(len(b))
			return true
		}
		p.superseded()
		p.stage = asking
	}
	if p.begun.IsZero() {
		p.begun, p.offset = at, p.client.Offset()
	}
	if !p.client.Write(b) {
		return false
	}
	p.unread += int64(len(b))
	return p.sent(len(p.client.Bytes()) > maxQuery)
}

// maxQuery is how much of a query is waited for.
const maxQuery = 8 << 10

// Hole implements protocol.Parser.
func (p *Parser) Hole(d protocol.Direction, at time.Time, n int64) bool {
	if d == protocol.Response {
		return p.missed(at, n)
	}
	p.client.Pass(n)
	if p.stage == working {
		p.count(int(n))
		return true
	}
	if p.stage != asking && p.stage != adding || !p.sent(true) { // a greeting is never so long
		return false
	}
	p.count(int(n))
	return p.stage == working
}

// Close implements protocol.Parser.
func (p *Parser) Close(at time.Time) {
	if p.call == nil || p.quiet {
		return
	}
	if p.server.ended() {
		p.finish()
		return
	}
	p.call.Unanswered(at)
	p.finishCall()
}

// sent reads what a client sends. With cut, no more of it will be seen.
func (p *Parser) sent(cut bool) bool {
	for p.stage != working {
		b := p.client.Bytes()
		if len(b) == 0 {
			p.begun = time.Time{}
			return true
		}
		r := &reader{b: b}
		ok := p.next(r, cut)
		if !ok {
			return false
		}
		if r.short && p.stage != working {
			return !cut
		}
		if p.stage != working {
			p.client.Next(int64(len(b) - len(r.b)))
			p.unread -= int64(len(b) - len(r.b))
		}
	}
	p.client.Next(int64(len(p.client.Bytes())))
	p.begun, p.unread = time.Time{}, 0
	return true
}

// next reads one packet. It returns false if that cannot be one.
func (p *Parser) next(r *reader, cut bool) bool {
	switch p.stage {
	case greeting:
		h := readHello(r)
		if r.ok() {
			p.hello, p.stage = h, adding
			p.ask(protocol.Call{Operation: "CONNECT"}, true)
		}
	case adding:
		if p.revision == 0 {
			return false
		}
		addendum(r, p.revision)
		if r.ok() {
			p.stage = asking
		}
	case asking:
		return p.packet(r, cut)
	}
	return !r.bad
}

func (p *Parser) packet(r *reader, cut bool) bool {
	switch r.b[0] {
	case clientPing:
		r.byte()
		p.ask(protocol.Call{Operation: "PING"}, true)
	case clientCancel:
		r.byte()
	case clientData: // of a query that failed meanwhile
		p.stage = working
	case clientQuery:
		q := readQuery(r, p.revision)
		if r.bad {
			return false
		}
		if r.short && (!cut || q.text == "") {
			return !cut
		}
		p.query(q)
	default:
		return false
	}
	return true
}

// use is a statement that changes the database, by a plain name.
var use = regexp.MustCompile("(?i)^\\s*USE\\s+[`\"]?(\\w+)[`\"]?\\s*;?\\s*$")

func (p *Parser) query(q query) {
	st := p.sql.Template(certain(q.text))
	if p.changes = st.Operation == "USE"; p.changes {
		p.using = ""
		if m := use.FindStringSubmatch(q.text); m != nil {
			p.using = template.Cut(m[1], maxName)
		}
	}
	p.ask(protocol.Call{Operation: st.Operation, Query: st.Text, Resource: st.Table, Summary: st.Summary, TraceParent: q.traceParent}, false)
	p.server.compressed = q.compressed
	p.stage = working
}

// certain is a statement up to a quote behind a backslash: ClickHouse goes on with the value there, where the templater takes it for its end.
func certain(text string) string {
	before, _, _ := strings.Cut(text, `\'`)
	return before
}

// ask has a call wait for its answer.
func (p *Parser) ask(c protocol.Call, quiet bool) {
	c.Protocol, c.Start, c.Offset, c.RequestBytes, c.Namespace = protocol.ClickHouse, p.begun, p.offset, p.unread, p.hello.database
	p.call, p.quiet = &c, quiet
	p.server.begin()
}

// asks tells whether b begins with the next query, while the last one's answer goes on for all that is known.
func (p *Parser) asks(b []byte) bool {
	if p.server.first.IsZero() {
		return p.call == nil && (b[0] == clientQuery || b[0] == clientPing && len(b) == 1)
	}
	if len(b) == 1 {
		return b[0] == clientPing && p.server.ended()
	}
	r := reader{b: b}
	q := readQuery(&r, p.revision)
	return !r.bad && isStatement(q.text)
}

// superseded ends a query whose end was not seen when the next one comes.
func (p *Parser) superseded() {
	if p.call != nil {
		p.finish()
	}
}

// finish ends the call with the last byte that the server sent.
func (p *Parser) finish() {
	p.call.Answered(p.server.first, p.server.last)
	if f := p.server.failure; f != nil {
		p.call.Failed, p.call.Status, p.call.ErrorType, p.call.Error = true, f.status(), f.name(), f.message()
	} else if p.changes {
		p.hello.database = p.using
	}
	p.changes = false
	p.finishCall()
}

func (p *Parser) finishCall() {
	c, quiet := *p.call, p.quiet
	c.ResponseBytes = p.server.size
	p.call = nil
	if p.stage == working {
		p.stage = asking
	}
	if c.Failed || !quiet {
		p.emit(c)
	}
}

// count adds bytes to the request.
func (p *Parser) count(n int) {
	if p.call != nil {
		p.call.RequestBytes += int64(n)
	}
}

// isStatement tells whether a text begins as SQL of ClickHouse does.
func isStatement(text string) bool {
	text = strings.TrimLeft(text, " \t\r\n(")
	if strings.HasPrefix(text, "--") || strings.HasPrefix(text, "/*") {
		return true
	}
	return slices.Contains([]string{
		"SELECT", "INSERT", "WITH", "CREATE", "ALTER", "DROP", "SHOW", "DESCRIBE", "DESC", "EXISTS", "USE", "SET", "SYSTEM", "OPTIMIZE", "TRUNCATE",
		"RENAME", "EXPLAIN", "KILL", "GRANT", "REVOKE", "CHECK", "DELETE", "UPDATE", "ATTACH", "DETACH", "EXCHANGE", "BACKUP", "RESTORE", "WATCH", "UNDROP",
	}, template.Operation(text))
}
