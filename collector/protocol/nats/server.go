package nats

import (
	"bytes"
	"strings"

	"github.com/midwatch/midwatch/collector/protocol"
)

// told takes a message of the server.
func (p *Parser) told(m message) {
	switch m.verb {
	case failure:
		p.refused(m)
	case okay, pong:
		p.connecting = nil
	case msg, hmsg:
		p.connecting = nil
		p.message(m)
	}
}

// message takes a message that is delivered: a reply, or one that somebody published.
func (p *Parser) message(m message) {
	if x, ok := p.asked.take(m.subject); ok {
		p.answered(x, m)
		return
	}
	if strings.HasPrefix(m.subject, inboxPrefix) && len(p.early) < maxEarly {
		p.early = append(p.early, m)
		return
	}
	p.deliver(m)
}

// answered ends a request by its reply.
func (p *Parser) answered(x exchange, m message) {
	x.Kind, x.Operation, x.Messages = protocol.Asked, "request", 0
	x.Answered(m.first, m.last)
	x.ResponseBytes = m.size
	fail(&x.Call, &m)
	if !strings.HasPrefix(x.Resource, "$JS.") && acknowledges(m.text()) {
		x.Operation, x.Messages = "publish", 1
	}
	p.emit(x.Call)
}

// acknowledges tells whether a reply is JetStream's word on a message that was published to it.
func acknowledges(reply []byte) bool {
	return bytes.HasPrefix(reply, []byte(`{"stream":"`)) || bytes.HasPrefix(reply, []byte(`{"error":{"code":`)) && bytes.Contains(reply, []byte(`"err_code":`))
}

// deliver tells of a message, at once or when it is replied to. What a server says to a consumer instead of a message is none.
func (p *Parser) deliver(m message) {
	h := readHeader(m.headers())
	if h.code != "" {
		return
	}
	c := p.call("deliver", m)
	c.Kind, c.Messages, c.Resource = protocol.Delivered, 1, templated(m.subject)
	c.RequestBytes, c.ResponseBytes, c.Duration = 0, m.size, max(m.last.Sub(m.first), 0)
	c.TraceParent = h.trace.TraceParent()
	if m.reply == "" || p.client.lost || !p.served.add(m.reply, exchange{Call: c}) {
		p.emit(c)
	}
}

// refused takes an error that the server says, which names no message: it is a call of its own, or ends the client's attempt to connect.
func (p *Parser) refused(m message) {
	c := p.call("error", m)
	c.Kind, c.RequestBytes = protocol.Delivered, 0
	if p.connecting != nil {
		c = *p.connecting
		c.Answered(m.first, m.last)
		p.connecting = nil
	}
	c.ResponseBytes = m.size
	c.Failed = true
	c.ErrorType, c.Error = refused(m.line.text)
	p.emit(c)
}
