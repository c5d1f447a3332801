package postgres

import (
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// Bounds of one connection.
const (
	maxStatements = 512 // pgx prepares as many by default
	maxPortals    = 64
	maxStrikes    = 8 // times its bytes made no sense before the parser gives up
)

// Parser reads one connection. It implements protocol.Parser.
type Parser struct {
	emit     func(protocol.Call)
	sql      *template.SQL
	database string
	pending  []op // :: in the order they were asked, which is the order of the answers

	requests   reader
	starting   bool // the next request is untyped
	fresh      bool // nothing was read yet
	clientLost bool // until a transfer begins with a query
	unit       time.Time
	unitOffset int64
	unitSize   int64 // bytes of the messages since the last Execute, Query or Sync, as far as they were kept
	statements *simplelru.LRU[string, *template.Statement]
	portals    *simplelru.LRU[string, *template.Statement]

	answers    reader
	serverLost bool
	lastAnswer time.Time
	answered   int64 // bytes since the last operation ended
	strikes    int
}

var _ protocol.Parser = (*Parser)(nil)

// New returns a parser that hands each completed operation to emit. sql may be shared by parsers of one goroutine.
func New(sql *template.SQL, emit func(protocol.Call)) *Parser {
	p := &Parser{emit: emit, sql: sql, fresh: true, requests: reader{kinds: frontend}, answers: reader{kinds: backend}}
	p.statements = cache(maxStatements)
	p.portals = cache(maxPortals)
	return p
}

func cache(size int) *simplelru.LRU[string, *template.Statement] {
	c, err := simplelru.NewLRU[string, *template.Statement](size, nil)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return c
}

// Data implements protocol.Parser.
func (p *Parser) Data(d protocol.Direction, at time.Time, b []byte) bool {
	if d == protocol.Request {
		return p.sent(at, b)
	}
	if p.serverLost {
		p.answered += int64(len(b))
		p.resume(at, b)
		return true
	}
	if !p.answers.Write(b) {
		p.loseServer()
		return true
	}
	p.lastAnswer = at
	return p.server(at, false)
}

func (p *Parser) sent(at time.Time, b []byte) bool {
	if p.fresh {
		p.fresh = false
		p.starting = len(b) > 0 && b[0] == 0
	}
	if p.clientLost {
		if !Resumes(b) {
			return true
		}
		p.clientLost = false
	}
	if p.serverLost && len(p.pending) > 0 { // a client that asks again has its answer
		p.serverLost = false
		p.ready(p.lastAnswer)
	}
	if !p.requests.Write(b) {
		return p.loseClient()
	}
	return p.client(at, false)
}

// Hole implements protocol.Parser.
func (p *Parser) Hole(d protocol.Direction, at time.Time, n int64) bool {
	if d == protocol.Request {
		if p.clientLost {
			return true
		}
		if !p.client(at, true) {
			return false
		}
		if !p.requests.Hole(n) {
			return p.loseClient()
		}
		return true
	}
	p.lastAnswer = at
	if p.serverLost {
		p.answered += n
		return true
	}
	if !p.server(at, true) {
		return false
	}
	if !p.answers.Hole(n) {
		p.answered += n
		p.loseServer()
	}
	return true
}

// Idle implements protocol.Parser.
func (p *Parser) Idle() bool { return len(p.pending) == 0 }

func (p *Parser) front() *op {
	if len(p.pending) == 0 {
		return nil
	}
	return &p.pending[0]
}

func (p *Parser) push(o op) bool {
	if len(p.pending) >= protocol.MaxPending {
		return false
	}
	p.pending = append(p.pending, o)
	return true
}

// Close implements protocol.Parser.
func (p *Parser) Close(at time.Time) {
	if p.serverLost && len(p.pending) > 0 {
		p.ready(p.lastAnswer)
	}
	for len(p.pending) > 0 {
		o := &p.pending[0]
		if o.kind != opExecute && o.kind != opQuery {
			p.pending = p.pending[1:]
			continue
		}
		call := o.call(p.database, at)
		if !call.Failed {
			call.Failed, call.ErrorType = true, protocol.ConnectionClosed
			call.Error = "the connection was closed before the answer was complete"
		}
		p.pending = p.pending[1:]
		p.emit(call)
	}
}
