package nats

import (
	"slices"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

// Bounds of one connection.
const (
	maxEarly    = 32
	earlyFor    = 100 * time.Millisecond // that a reply may be told before its request
	repliedIn   = 30 * time.Second       // after which a reply is not waited for
	lookedAfter = time.Second            // between two looks for what is not waited for any more
)

// Parser reads one connection. It implements protocol.Parser.
type Parser struct {
	emit func(protocol.Call)

	client, server reader
	met            bool     // something of the client was seen
	unseen         bool     // bytes of the client were not, so it may have subscribed to anything
	inboxes        []string // what it subscribed to
	asked          exchanges
	served         exchanges // messages that want a reply
	early          []message // of the server, that may be replies to what is not told yet
	connecting     *protocol.Call
	looked         time.Time
}

var _ protocol.Parser = (*Parser)(nil)

// New returns a parser that hands each request that was answered and each message to emit.
func New(emit func(protocol.Call)) *Parser {
	return &Parser{emit: emit, client: reader{dir: protocol.Request}, server: reader{dir: protocol.Response}, asked: exchanges{}, served: exchanges{}}
}

// Join returns a parser of a connection that is met in the middle, by a transfer of the server that Answers is true of.
func Join(emit func(protocol.Call)) *Parser {
	p := New(emit)
	p.met = true
	p.client.lose(time.Time{})
	return p
}

// Idle implements protocol.Parser.
func (p *Parser) Idle() bool { return !p.met }

// Data implements protocol.Parser.
func (p *Parser) Data(d protocol.Direction, at time.Time, b []byte) bool {
	p.meet(d, b)
	r := p.side(d)
	if r.lost {
		if !begins(d, b) {
			return true
		}
		r.lost = false
	}
	if !r.Write(b) {
		p.lose(d, at)
		return true
	}
	return p.read(r, at, false)
}

// Hole implements protocol.Parser.
func (p *Parser) Hole(d protocol.Direction, at time.Time, n int64) bool {
	p.meet(d, nil)
	r := p.side(d)
	if r.lost {
		return true
	}
	if !p.read(r, at, true) {
		return false
	}
	if r.open == nil || !r.Skipping() {
		p.lose(d, at)
		return true
	}
	if !r.Hole(n) {
		p.finish(r, r.end(at)) // its end is somewhere in the hole
		p.lose(d, at)
		return true
	}
	return p.read(r, at, false)
}

// Close implements protocol.Parser.
func (p *Parser) Close(at time.Time) {
	if p.connecting != nil {
		p.connecting.Unanswered(at)
		p.emit(*p.connecting)
	}
	for _, m := range p.early {
		p.deliver(m)
	}
	var all []exchange
	for _, x := range p.asked {
		if x.certain {
			x.Unanswered(at)
		}
		all = append(all, x)
	}
	for _, x := range p.served {
		all = append(all, x)
	}
	p.tell(all)
	p.early, p.asked, p.served, p.connecting = nil, exchanges{}, exchanges{}, nil
}

// meet looks at the first that the client says: without CONNECT the connection is met half-way, and the server may be in the middle of a message.
func (p *Parser) meet(d protocol.Direction, b []byte) {
	if p.met || d == protocol.Response {
		return
	}
	p.met = true
	if n := min(len(b), len(opening)); n == 0 || string(b[:n]) != opening[:n] {
		p.unseen = true
		p.server.lost = true
	}
}

func (p *Parser) side(d protocol.Direction) *reader {
	if d == protocol.Request {
		return &p.client
	}
	return &p.server
}

// read takes the messages that are whole. It returns false if these are none.
func (p *Parser) read(r *reader, at time.Time, cut bool) bool {
	p.expire(at)
	for {
		m, v := r.next(at, cut)
		switch v {
		case wait:
			return true
		case wrong:
			if r.dir == protocol.Response || betweenServers(r.Bytes()) {
				return false
			}
			p.lose(r.dir, at) // the server has an answer to that
			return true
		}
		p.finish(r, m)
	}
}

func (p *Parser) finish(r *reader, m message) {
	if r.dir == protocol.Request {
		p.said(m)
	} else {
		p.told(m)
	}
}

// lose forgets the place in a direction. Replies may be among the bytes that are missing.
func (p *Parser) lose(d protocol.Direction, at time.Time) {
	p.side(d).lose(at)
	if d == protocol.Response {
		clear(p.asked)
		return
	}
	p.unseen = true
	p.tell(p.served.all())
	clear(p.served)
}

// expire tells what is not waited for any more.
func (p *Parser) expire(at time.Time) {
	for len(p.early) > 0 && at.Sub(p.early[0].last) > earlyFor {
		p.deliver(p.early[0])
		p.early = p.early[1:]
	}
	if at.Sub(p.looked) < lookedAfter {
		return
	}
	p.looked = at
	old := p.asked.before(at.Add(-repliedIn))
	for i := range old {
		if x := &old[i]; x.certain {
			x.Duration = repliedIn
			set(&x.Call, "", "NO_REPLY", "no reply came within 30 s")
		}
	}
	p.tell(append(old, p.served.before(at.Add(-repliedIn))...))
}

// tell hands on calls that nothing more is known of, oldest first.
func (p *Parser) tell(all []exchange) {
	slices.SortStableFunc(all, func(a, b exchange) int { return a.Start.Compare(b.Start) })
	for _, x := range all {
		p.emit(x.Call)
	}
}
