package kafka

import (
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

// maxKept is how much of a message is looked at.
const maxKept = 8 << 10

// Parser reads one connection. It implements protocol.Parser.
type Parser struct {
	topics *Topics
	emit   func(protocol.Call)

	client, server protocol.Frames
	pending        pending
	early          early
	sessions       sessions
	missed         time.Time // the last bytes of the server's that belong to nothing that is known
	unseen         bool      // there were some since the last answer that was
}

var _ protocol.Parser = (*Parser)(nil)

// New returns a parser that hands each answered request to emit, and each that needs no answer.
func New(topics *Topics, emit func(protocol.Call)) *Parser {
	p := &Parser{topics: topics, emit: emit, sessions: sessions{}}
	p.client = protocol.Frames{Head: requestHead, Keep: maxKept, Size: requestSize, Begins: Resumes}
	p.server = protocol.Frames{Head: answerHead, Keep: maxKept, Size: answerSize, Begins: p.answerBegins}
	p.server.Lose() // a connection that is met half-way may be in the middle of an answer
	return p
}

// Data implements protocol.Parser.
func (p *Parser) Data(d protocol.Direction, at time.Time, b []byte) bool {
	if d == protocol.Request {
		return p.client.Data(at, b, p.asked)
	}
	ok := p.server.Data(at, b, p.answered)
	p.miss(at)
	return ok
}

// Hole implements protocol.Parser.
func (p *Parser) Hole(d protocol.Direction, at time.Time, n int64) bool {
	if d == protocol.Request {
		return p.client.Hole(at, n, p.asked)
	}
	ok := p.server.Hole(at, n, p.answered)
	p.miss(at)
	return ok
}

// Idle implements protocol.Parser.
func (p *Parser) Idle() bool { return len(p.pending) == 0 && !p.client.Lost() }

// Close implements protocol.Parser. A Fetch that may wait longer for messages than it did failed at nothing.
func (p *Parser) Close(at time.Time) {
	for _, x := range p.pending {
		if !x.told() || x.uncertain || p.server.Lost() && !x.Start.After(p.missed) || at.Sub(x.Start) < x.wait {
			continue
		}
		x.Unanswered(at)
		x.Resource = p.resource(x.topic, x.one)
		p.emit(x.Call)
	}
	p.pending = nil
}

func (p *Parser) miss(at time.Time) {
	if p.server.Astray() {
		p.missed, p.unseen = at, true
	}
}

// answerBegins tells whether b begins with the answer to a request that waits, behind which others follow if anything does. What those are to may not have been told yet.
func (p *Parser) answerBegins(b []byte) bool {
	if len(b) < answerHead || !p.pending.has(correlation(b)) {
		return false
	}
	for len(b) >= answerHead {
		size := answerSize(b)
		if size == 0 || size > maxFirst {
			return false
		}
		b = b[min(size, int64(len(b))):]
	}
	return true
}

func (p *Parser) resource(k topicKey, one bool) string {
	if !one {
		return ""
	}
	return p.topics.name(k)
}
