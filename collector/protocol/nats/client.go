package nats

import (
	"slices"
	"strings"

	"github.com/midwatch/midwatch/collector/protocol"
)

// What a consumer says of a message of JetStream.
const (
	negative   = "-NAK"
	terminated = "+TERM"
	inProgress = "+WPI"
)

// said takes a message of the client.
func (p *Parser) said(m message) {
	switch {
	case m.verb == connect:
		c := p.call("CONNECT", m)
		p.connecting = &c
	case m.verb == sub:
		p.subscribe(m.subject)
	case m.message:
		p.publish(m)
	}
}

// publish takes a message that is published: a reply, a request, or neither.
func (p *Parser) publish(m message) {
	if x, ok := p.served.take(m.subject); ok {
		p.replied(x, m)
		return
	}
	c := p.call("publish", m)
	c.Kind, c.Messages, c.Resource = protocol.Sent, 1, templated(m.subject)
	c.RequestBytes, c.Duration = m.size, max(m.last.Sub(m.first), 0)
	h := readHeader(m.headers())
	c.TraceParent = h.trace.TraceParent()
	switch {
	case strings.HasPrefix(m.subject, ackPrefix): // of a message that was delivered out of sight
	case m.reply == "":
		p.emit(c)
	default:
		p.request(c, m)
	}
}

// request has a message wait for its reply.
func (p *Parser) request(c protocol.Call, m message) {
	x := exchange{Call: c, certain: p.subscribed(m.reply) && !p.server.lost}
	if strings.Contains(m.subject, ".CONSUMER.MSG.NEXT.") {
		c.Operation, c.Messages = "fetch", 0
		p.emit(c)
		return
	}
	if x.certain {
		x.Kind, x.Operation, x.Messages = protocol.Asked, "request", 0
	}
	if i := slices.IndexFunc(p.early, func(e message) bool { return e.subject == m.reply }); i >= 0 && !p.early[i].first.Before(m.first) {
		answer := p.early[i]
		p.early = slices.Delete(p.early, i, i+1)
		p.answered(x, answer)
		return
	}
	if !p.asked.add(m.reply, x) {
		p.emit(c)
	}
}

// replied ends the serving of a message by what the client publishes for it.
func (p *Parser) replied(x exchange, m message) {
	switch word := string(m.text()); {
	case !strings.HasPrefix(m.subject, ackPrefix):
		fail(&x.Call, &m)
	case strings.HasPrefix(word, inProgress):
		p.served.add(m.subject, x)
		return
	case strings.HasPrefix(word, negative):
		set(&x.Call, negative, "NAK", "the consumer refused the message")
	case strings.HasPrefix(word, terminated):
		set(&x.Call, terminated, "TERM", "the consumer gave up on the message")
	}
	x.Duration = max(m.last.Sub(x.Start), 0)
	x.RequestBytes = m.size
	p.emit(x.Call)
}

// call is a call that begins with a message, or is one.
func (p *Parser) call(operation string, m message) protocol.Call {
	return protocol.Call{Protocol: protocol.NATS, Operation: operation, Start: m.first, Offset: m.offset, RequestBytes: m.size}
}
