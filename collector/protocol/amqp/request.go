package amqp

import (
	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// asked takes a frame of the client.
func (p *Parser) asked(f protocol.Frame) bool {
	b, ok := payload(f)
	if !ok || p.closed {
		return ok
	}
	switch f.Bytes[0] {
	case framePreface, frameHeartbeat:
		return true
	}
	number := channelOf(f.Bytes)
	ch := p.channel(number)
	if ch == nil {
		return false
	}
	if f.Bytes[0] != frameMethod {
		done, ok := ch.sending.add(f)
		if done {
			p.complete(&ch.sending, ch, f.Last)
		}
		return ok
	}
	n, m, a, ok := readMethod(b, int64(len(f.Bytes)) == f.Size, client)
	if !ok {
		return false
	}
	if !a.whole {
		p.missedRequests(f.Last)
		return true
	}
	ch.sending = content{}
	switch n {
	case basicPublish:
		p.publishes(number, ch, f, a)
		return true
	case channelCloseOk:
		if ch.closed != nil {
			p.forget(number)
		}
		return true
	case channelOpen:
		p.forget(number)
		ch = p.channel(number)
		ch.followed = !p.client.Lost()
	case connectionSecureOk:
		n = connectionStartOk
	case confirmSelect:
		ch.confirms = ch.followed
	case connectionOpen:
		p.virtualHost = template.Cut(string(a.texts[0]), maxVirtualHost)
	}
	return !m.asks || p.request(ch, n, m, a, f)
}

// request takes a method that may have an answer.
func (p *Parser) request(ch *channel, n id, m method, a arguments, f protocol.Frame) bool {
	if ch.closed != nil && n == channelClose { // both closed it at once
		return true
	}
	c := call{Call: p.call(m.name, f), id: n, quiet: m.quiet}
	c.RequestBytes = f.Size
	switch {
	case n == basicConsume:
		c.tag = string(a.texts[1])
		c.Resource = ch.named(a.texts[0])
		p.consume(ch, c.tag, c.Resource)
	case n == basicCancel:
		c.Resource = ch.consumers[string(a.texts[0])]
		p.cancel(ch, string(a.texts[0]))
	case n == queueDeclare:
		c.Resource = resource(a.texts[0])
		ch.queue = c.Resource
	case n.class == classQueue, n == basicGet:
		c.Resource = ch.named(a.texts[0])
	case n.class == classExchange:
		c.Resource = resource(a.texts[0])
	}
	switch {
	case ch.closed != nil:
		ch.closed.fail(&c.Call)
	case a.bits&m.noWait == 0:
		return p.ask(ch, c)
	}
	c.Answered(f.Last, f.Last)
	p.emit(c.Call)
	return true
}

// named is the queue of a name, of which an empty one means the queue that was declared last.
func (ch *channel) named(name []byte) string {
	if len(name) == 0 {
		return ch.queue
	}
	return resource(name)
}
