package redis

import (
	"strings"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// Parser reads one connection. It implements protocol.Parser.
type Parser struct {
	emit    func(protocol.Call)
	pending []asked // :: commands that wait for their answer, oldest first

	commands   commands
	begun      time.Time // first byte of the command being read
	offset     int64     // of that byte
	clientLost bool      // until a transfer begins with a command that is known

	answers    answers
	answered   time.Time // first byte of the answer being read
	lastAnswer time.Time
	serverLost bool // until the next command
	subscribed bool // messages come unasked
}

var _ protocol.Parser = (*Parser)(nil)

// New returns a parser that hands each answered command to emit.
func New(emit func(protocol.Call)) *Parser { return &Parser{emit: emit} }

// Data implements protocol.Parser.
func (p *Parser) Data(d protocol.Direction, at time.Time, b []byte) bool {
	if d == protocol.Request {
		return p.sent(at, b)
	}
	p.lastAnswer = at
	if p.serverLost {
		return true
	}
	if !p.answers.Write(b) {
		return p.loseServer()
	}
	return p.server(at)
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
		if !p.commands.Hole(n) {
			p.loseClient()
		}
		return true
	}
	p.lastAnswer = at
	if p.serverLost {
		return true
	}
	if !p.answers.Hole(n) {
		return p.loseServer()
	}
	return p.server(at)
}

// Idle implements protocol.Parser.
func (p *Parser) Idle() bool { return len(p.pending) == 0 && !p.subscribed }

func (p *Parser) sent(at time.Time, b []byte) bool {
	if p.clientLost {
		if !Resumes(b) {
			return true
		}
		p.clientLost = false
	}
	if p.serverLost { // a client that asks again has its answers
		p.finishAll(p.lastAnswer)
		p.serverLost = false
	}
	if !p.commands.Write(b) {
		p.loseClient()
		return true
	}
	return p.client(at, false)
}

func (p *Parser) client(at time.Time, cut bool) bool {
	for {
		if p.begun.IsZero() {
			p.begun, p.offset = at, p.commands.Offset()
		}
		c, wait, bad := p.commands.next(cut)
		if wait {
			if len(p.commands.Bytes()) == 0 && p.commands.left == 0 {
				p.begun = time.Time{}
			}
			return true
		}
		if bad || c.endsPairing() || len(p.pending) >= protocol.MaxPending {
			return false
		}
		if p.Idle() && p.lastAnswer.Before(p.begun) {
			p.forgetAnswer()
		}
		call := asked{Call: protocol.Call{Protocol: protocol.Redis, Start: p.begun, Offset: p.offset, Operation: c.name(), Query: c.query(), RequestBytes: c.size}}
		if subscribes(call.Operation) {
			call.confirmations = c.confirmations()
			p.subscribed, p.answers.wordy = true, true
		}
		p.pending = append(p.pending, call)
		p.begun = time.Time{}
	}
}

func (p *Parser) server(at time.Time) bool {
	for !p.Idle() {
		if p.answered.IsZero() {
			p.answered = at
		}
		a, wait, bad := p.answers.next()
		if bad {
			return false
		}
		if wait {
			if !p.answers.open {
				p.answered = time.Time{}
			}
			return true
		}
		switch {
		case p.subscribed && p.told(a, p.answered, at):
		case !a.push && len(p.pending) > 0:
			p.finish(a, p.answered, at)
		}
		p.answered = time.Time{}
	}
	return true
}

// finish completes the oldest command.
func (p *Parser) finish(a answer, first, last time.Time) {
	c := p.pending[0].Call
	p.pending = p.pending[1:]
	if c.Operation == "RESET" {
		p.subscribed = false
	}
	c.Answered(first, last)
	c.ResponseBytes = a.size
	if a.err != "" {
		word, _, _ := strings.Cut(a.err, " ")
		c.Failed = true
		c.Status, c.ErrorType = template.Cut(word, maxCommand), template.Cut(word, maxCommand)
		c.Error = template.Message(a.err, protocol.MaxError)
	}
	p.emit(c)
}

// finishAll completes what was answered out of sight.
func (p *Parser) finishAll(at time.Time) {
	for len(p.pending) > 0 {
		p.finish(p.answers.ans, at, at)
		p.forgetAnswer()
	}
}

func (p *Parser) forgetAnswer() {
	p.answers.forget()
	p.answered = time.Time{}
}

// loseServer is for answers of which bytes are missing: where they end cannot be told before the client goes on. It returns false where messages come
// unasked, so that it never can.
func (p *Parser) loseServer() bool {
	p.answers.Reset()
	p.serverLost = true
	return !p.subscribed
}

// loseClient is for commands of which bytes are missing. Their answers are no one's.
func (p *Parser) loseClient() {
	p.commands.Reset()
	p.commands.left = 0
	p.begun = time.Time{}
	p.clientLost = true
}

// Close implements protocol.Parser.
func (p *Parser) Close(at time.Time) {
	if p.serverLost {
		p.finishAll(p.lastAnswer)
	}
	for _, c := range p.pending {
		c.Unanswered(at)
		p.emit(c.Call)
	}
	p.pending = nil
}
