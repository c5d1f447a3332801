package amqp

import (
	"cmp"
	"hash/fnv"
	"slices"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

const (
	maxReturnable = 256         // messages of a connection that may come back, without being confirmed
	patience      = time.Second // after which none does
)

// publish is a message that the broker may still say something about.
type publish struct {
	protocol.Call
	tag  uint64    // by which it is confirmed
	to   uint64    // by which one is found that came back, 0 if it cannot
	last time.Time // of one that is not confirmed
}

// Bits of publish.
const (
	mandatory = 1 << 0
	immediate = 1 << 1
)

// publishes begins a message that the client sends.
func (p *Parser) publishes(number uint16, ch *channel, f protocol.Frame, a arguments) {
	c := p.call("publish", f)
	c.Kind, c.Messages, c.Resource = protocol.Sent, 1, target(a.texts[0], a.texts[1])
	ch.sending.begin(basicPublish, f, c)
	if a.bits&(mandatory|immediate) != 0 {
		ch.sending.to = address(number, a.texts[0], a.texts[1])
	}
	if ch.confirms {
		ch.tag++
		ch.sending.tag = ch.tag
	}
}

// address stands for a channel, an exchange and a routing key.
func address(number uint16, exchange, routingKey []byte) uint64 {
	h := fnv.New64a()
	for _, part := range [][]byte{{byte(number >> 8), byte(number)}, exchange, {0}, routingKey} {
		_, _ = h.Write(part)
	}
	return max(h.Sum64(), 1)
}

// sent ends a message that the client sent.
func (p *Parser) sent(ch *channel, m content, at time.Time) {
	c := m.call
	c.Duration, c.RequestBytes = max(at.Sub(c.Start), 0), m.size
	ch.whole = max(ch.whole, m.tag)
	switch {
	case ch.closed != nil:
		ch.closed.fail(&c)
		p.emit(c)
	case m.tag > 0 && !p.server.Lost():
		p.await(ch, publish{Call: c, tag: m.tag, to: m.to})
	case m.to > 0 && !p.server.Lost():
		if len(p.returnable) >= maxReturnable {
			p.emit(p.returnable[0].Call)
			p.returnable = p.returnable[1:]
		}
		p.returnable = append(p.returnable, publish{Call: c, to: m.to, last: at})
	default:
		p.emit(c)
	}
}

// await has a message wait for being confirmed. If too many wait, the oldest waits no more.
func (p *Parser) await(ch *channel, m publish) {
	if p.waiting >= protocol.MaxPending {
		if len(ch.published) == 0 {
			p.emit(m.Call)
			return
		}
		p.settle(ch, 1)
	}
	p.waiting++
	ch.published = append(ch.published, m)
}

// settle tells of the oldest messages without waiting for what the broker says.
func (p *Parser) settle(ch *channel, n int) {
	for _, m := range ch.published[:n] {
		p.emit(m.Call)
	}
	ch.published = ch.published[n:]
	p.waiting -= n
}

// confirm takes the broker's word on messages. A refusal of what does not wait is told on its own.
func (p *Parser) confirm(ch *channel, f protocol.Frame, n id, a arguments) {
	from, to := ch.confirmed(a.tag, a.bits&multiple != 0)
	if from == to && n == basicNack {
		c := p.call("nack", f)
		c.Kind = protocol.Delivered
		refused.fail(&c)
		p.answer(c, f.First, f.Last, f.Size)
	}
	for _, m := range ch.published[from:to] {
		if n == basicNack {
			refused.fail(&m.Call)
		}
		size := int64(0) // of many that are confirmed at once, the last has it
		if m.tag == a.tag {
			size = f.Size
		}
		p.answer(m.Call, f.First, f.Last, size)
	}
	ch.published = slices.Delete(ch.published, from, to)
	p.waiting -= to - from
}

// multiple is the bit that says that a tag stands for all up to it; of tag 0, for all.
const multiple = 1 << 0

// confirmed are which of the messages that wait a tag stands for.
func (ch *channel) confirmed(tag uint64, multiple bool) (from, to int) {
	if multiple && tag == 0 {
		return 0, len(ch.published)
	}
	i, found := slices.BinarySearchFunc(ch.published, tag, func(m publish, tag uint64) int { return cmp.Compare(m.tag, tag) })
	from, to = i, i
	if multiple {
		from = 0
	}
	if found {
		to++
	}
	return from, to
}

// returned begins a message that comes back. It is the oldest sent to the same address, or if none waits a call of its own.
func (p *Parser) returned(number uint16, ch *channel, f protocol.Frame, a arguments) {
	c := p.call("return", f)
	c.Kind, c.Messages, c.Resource = protocol.Delivered, 1, target(a.texts[1], a.texts[2])
	to := address(number, a.texts[1], a.texts[2])
	if i := find(ch.published, to); i >= 0 {
		c = ch.published[i].Call
		ch.published = slices.Delete(ch.published, i, i+1)
		p.waiting--
	} else if i := find(p.returnable, to); i >= 0 {
		c = p.returnable[i].Call
		p.returnable = slices.Delete(p.returnable, i, i+1)
	}
	readFailure(a.codes[0], a.texts[0]).fail(&c)
	ch.receiving.begin(basicReturn, f, c)
}

func find(messages []publish, to uint64) int {
	return slices.IndexFunc(messages, func(m publish) bool { return m.to == to })
}

// expire tells of messages that did not come back.
func (p *Parser) expire(at time.Time) {
	for len(p.returnable) > 0 && at.Sub(p.returnable[0].last) > patience {
		p.emit(p.returnable[0].Call)
		p.returnable = p.returnable[1:]
	}
}
