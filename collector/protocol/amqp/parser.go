package amqp

import (
	"maps"
	"slices"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

// Parser reads one connection. It implements protocol.Parser.
type Parser struct {
	emit func(protocol.Call)

	client, server protocol.Frames
	met            bool // something of the client was seen
	closed         bool // one of them closed the connection

	virtualHost string
	channels    map[uint16]*channel
	waiting     int              // calls and messages of all channels
	consumers   int              // of all channels
	returnable  []publish        // that are not confirmed but may come back, oldest first
	held        []protocol.Frame // of the server, see hold
}

var _ protocol.Parser = (*Parser)(nil)

// New returns a parser that hands to emit each method that was answered and each message.
func New(emit func(protocol.Call)) *Parser {
	return &Parser{
		emit:     emit,
		channels: map[uint16]*channel{},
		client:   protocol.Frames{Head: frameHead, Keep: maxKept, Size: frameSize, Begins: begins(client)},
		server:   protocol.Frames{Head: frameHead, Keep: maxKept, Size: frameSize, Begins: begins(server)},
	}
}

// Join returns a parser of a connection that is met in the middle, by a transfer of the server that Answers is true of.
func Join(emit func(protocol.Call)) *Parser {
	p := New(emit)
	p.met = true
	p.client.Lose()
	return p
}

func begins(from end) func([]byte) bool {
	return func(b []byte) bool { ok, _ := chained(b, from); return ok }
}

// Data implements protocol.Parser.
func (p *Parser) Data(d protocol.Direction, at time.Time, b []byte) bool {
	if d == protocol.Request {
		p.begin(b)
	}
	return p.read(d, at, func() bool {
		if d == protocol.Request {
			return p.client.Data(at, b, p.asked)
		}
		return p.server.Data(at, b, p.told)
	})
}

// Hole implements protocol.Parser.
func (p *Parser) Hole(d protocol.Direction, at time.Time, n int64) bool {
	return p.read(d, at, func() bool {
		if d == protocol.Request {
			return p.client.Hole(at, n, p.asked)
		}
		return p.server.Hole(at, n, p.told)
	})
}

// read has a direction read, and sees to what follows from that.
func (p *Parser) read(d protocol.Direction, at time.Time, frames func() bool) bool {
	client, server := p.client.Lost(), p.server.Lost()
	if !frames() {
		return false
	}
	if !server && p.server.Lost() {
		p.missedAnswers(at)
	}
	if !client && p.client.Lost() {
		p.missedRequests(at)
	}
	p.expire(at)
	return d == protocol.Response || p.release(at)
}

// begin looks at the first that the client says: on a connection that is met half-way, the server may be in the middle of a frame.
func (p *Parser) begin(b []byte) {
	if p.met || len(b) == 0 {
		return
	}
	p.met = true
	if b[0] != framePreface {
		p.server.Lose()
	}
}

// Idle implements protocol.Parser.
func (p *Parser) Idle() bool { return !p.met }

// Close implements protocol.Parser.
func (p *Parser) Close(at time.Time) {
	p.releaseAll()
	zero := p.channels[0]
	leaving := p.closed || zero != nil && zero.awaits(connectionClose, at) >= 0 // nothing more is waited for
	var left []protocol.Call
	for _, number := range slices.Sorted(maps.Keys(p.channels)) {
		ch := p.channels[number]
		p.unfinished(&ch.sending, at)
		p.unfinished(&ch.receiving, at)
		if leaving {
			p.settle(ch, len(ch.published))
			continue
		}
		for _, c := range ch.calls {
			if !c.unsure {
				left = append(left, c.Call)
			}
		}
		for _, m := range ch.published {
			left = append(left, m.Call)
		}
	}
	for _, m := range p.returnable {
		p.emit(m.Call)
	}
	slices.SortStableFunc(left, func(a, b protocol.Call) int { return a.Start.Compare(b.Start) })
	for _, c := range left {
		c.Unanswered(at)
		p.emit(c)
	}
	p.channels, p.returnable = nil, nil
}

// call is a call that begins with a frame, or is one.
func (p *Parser) call(operation string, f protocol.Frame) protocol.Call {
	return protocol.Call{Protocol: protocol.AMQP, Operation: operation, Start: f.First, Offset: f.Offset, Namespace: p.virtualHost}
}
