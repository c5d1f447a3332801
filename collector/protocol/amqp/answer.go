package amqp

import (
	"maps"
	"slices"

	"github.com/midwatch/midwatch/collector/protocol"
)

// answered takes a frame of the server, in its turn.
func (p *Parser) answered(f protocol.Frame) bool {
	b, ok := payload(f)
	if !ok || p.closed {
		return ok
	}
	switch f.Bytes[0] {
	case framePreface: // of the version that the server speaks instead
		return false
	case frameHeartbeat:
		return true
	}
	number := channelOf(f.Bytes)
	ch := p.channel(number)
	if ch == nil {
		return false
	}
	if f.Bytes[0] != frameMethod {
		done, ok := ch.receiving.add(f)
		if done {
			p.complete(&ch.receiving, ch, f.Last)
		}
		return ok
	}
	n, m, a, ok := readMethod(b, int64(len(f.Bytes)) == f.Size, server)
	if !ok {
		return false
	}
	if !a.whole {
		p.missedAnswers(f.Last)
		return true
	}
	ch.receiving = content{}
	switch n {
	case basicDeliver:
		p.delivered(ch, f, a)
	case basicReturn:
		p.returned(number, ch, f, a)
	case basicAck, basicNack:
		p.confirm(ch, f, n, a)
	case basicCancel: // the queue is gone
		p.cancel(ch, string(a.texts[0]))
	case connectionClose, channelClose:
		p.closes(number, n, f, a)
	default:
		if m.answers != 0 {
			p.response(number, ch, n, id{n.class, m.answers}, f, a)
		}
	}
	return true
}

// delivered begins a message that a consumer gets.
func (p *Parser) delivered(ch *channel, f protocol.Frame, a arguments) {
	c := p.call("deliver", f)
	c.Kind, c.Messages = protocol.Delivered, 1
	if c.Resource = ch.consumers[string(a.texts[0])]; c.Resource == "" {
		c.Resource = target(a.texts[1], a.texts[2])
	}
	ch.receiving.begin(basicDeliver, f, c)
}

// response takes an answer to a method.
func (p *Parser) response(number uint16, ch *channel, n, to id, f protocol.Frame, a arguments) {
	c, ok := p.take(ch, to, f.Last)
	switch {
	case !ok:
		return
	case n == basicGetOk:
		c.Messages = 1
		ch.receiving.begin(n, f, c.Call)
		return
	case to == queueDeclare:
		ch.queue = resource(a.texts[0])
		c.Resource = ch.queue
	case to == basicConsume:
		p.cancel(ch, c.tag)
		p.consume(ch, string(a.texts[0]), c.Resource)
	}
	if !c.quiet {
		p.answer(c.Call, f.First, f.Last, f.Size)
	}
	switch n {
	case channelCloseOk:
		p.forget(number)
	case connectionCloseOk:
		p.end()
	}
}

// closes takes what the broker says when it closes a channel or, with number 0, the connection. It answers whatever waits there.
func (p *Parser) closes(number uint16, n id, f protocol.Frame, a arguments) {
	why := readFailure(a.codes[0], a.texts[0])
	var all []protocol.Call
	for _, of := range slices.Sorted(maps.Keys(p.channels)) {
		if n == connectionClose || of == number {
			all = append(all, p.waitingOn(p.channels[of])...)
		}
	}
	if len(all) == 0 && a.codes[0] != success {
		m := methods[n]
		all = append(all, p.call(m.name, f))
	}
	slices.SortStableFunc(all, func(a, b protocol.Call) int { return a.Start.Compare(b.Start) })
	for _, c := range all {
		why.fail(&c)
		p.answer(c, f.First, f.Last, f.Size)
	}
	if n == connectionClose {
		p.end()
	} else {
		p.forget(number)
		p.channel(number).closed = why
	}
}

// waitingOn takes all that waits on a channel, but for its own end.
func (p *Parser) waitingOn(ch *channel) (all []protocol.Call) {
	for _, c := range ch.calls {
		if c.id != connectionClose && c.id != channelClose {
			all = append(all, c.Call)
		}
	}
	for _, m := range ch.published {
		all = append(all, m.Call)
	}
	p.waiting -= len(ch.calls) + len(ch.published)
	ch.calls, ch.published = nil, nil
	return all
}

// end is for after the last that the two ends have to say.
func (p *Parser) end() {
	for _, number := range slices.Sorted(maps.Keys(p.channels)) {
		p.forget(number)
	}
	p.closed = true
}
