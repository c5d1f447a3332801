package amqp

import (
	"maps"
	"slices"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

// Bounds of one connection.
const (
	maxChannels  = 2048 // RabbitMQ's limit is 2047 unless configured
	maxConsumers = 1024 // of which the queue is remembered
)

// call is a method that waits for its answer.
type call struct {
	protocol.Call
	id     id
	quiet  bool
	unsure bool   // the answer may have come where bytes of the server are missing
	tag    string // of a consumer
}

// channel is one of a connection; the first, number 0, is the connection's own.
type channel struct {
	calls     []call    // that wait for an answer, oldest first
	published []publish // that wait for being confirmed, oldest first

	sending, receiving content

	queue     string            // what an empty name means: the queue declared last
	consumers map[string]string // :: consumer tag → resource

	followed bool   // it was opened in sight and no byte of the client is missing since: tags are certain
	confirms bool   // messages are confirmed
	tag      uint64 // of the last message since then
	whole    uint64 // of the last of them that was told to its end

	closed  *failure // the broker closed it, and the client does not know
	tangled bool     // several calls waited when bytes of the server were missing: which answer is whose cannot be told
}

// channel returns the channel of a number, nil if there are too many.
func (p *Parser) channel(number uint16) *channel {
	ch := p.channels[number]
	if ch == nil && len(p.channels) < maxChannels {
		ch = &channel{}
		p.channels[number] = ch
	}
	return ch
}

// awaits is where a call of a method, begun before at, stands among those that wait for answers, -1 if none does.
func (ch *channel) awaits(n id, at time.Time) int {
	return slices.IndexFunc(ch.calls, func(c call) bool { return c.id == n && !c.Start.After(at) })
}

// take returns the call that an answer is to, which came at at. Those asked before it were answered out of sight.
func (p *Parser) take(ch *channel, n id, at time.Time) (c call, ok bool) {
	i := ch.awaits(n, at)
	if i < 0 {
		return c, false
	}
	c = ch.calls[i]
	ch.calls = ch.calls[i+1:]
	p.waiting -= i + 1
	return c, true
}

// ask has a call wait. It returns false if too many do.
func (p *Parser) ask(ch *channel, c call) bool {
	// A client asks one thing at a time on a channel: what was answered out of sight was before it went on.
	c.unsure = p.server.Lost()
	if n := len(ch.calls); n > 0 && (c.unsure || ch.calls[n-1].unsure) {
		p.waiting -= n
		ch.calls = ch.calls[:0]
	}
	if ch.tangled {
		return true
	}
	if p.waiting >= protocol.MaxPending {
		return false
	}
	p.waiting++
	ch.calls = append(ch.calls, c)
	return true
}

// forget ends a channel. What was published on it was sent, whether it was confirmed or not.
func (p *Parser) forget(number uint16) {
	ch := p.channels[number]
	if ch == nil {
		return
	}
	p.waiting -= len(ch.calls)
	p.consumers -= len(ch.consumers)
	p.settle(ch, len(ch.published))
	delete(p.channels, number)
}

// consume remembers of which queue a consumer is.
func (p *Parser) consume(ch *channel, tag, queue string) {
	if ch.consumers == nil {
		ch.consumers = map[string]string{}
	}
	_, known := ch.consumers[tag]
	if tag == "" || queue == "" || !known && p.consumers >= maxConsumers {
		return
	}
	if !known {
		p.consumers++
	}
	ch.consumers[tag] = queue
}

// cancel forgets a consumer.
func (p *Parser) cancel(ch *channel, tag string) {
	if _, known := ch.consumers[tag]; known {
		p.consumers--
		delete(ch.consumers, tag)
	}
}

// missedAnswers is for when bytes of the server are missing: what was asked before is not waited for.
func (p *Parser) missedAnswers(at time.Time) {
	p.releaseAll()
	for _, number := range slices.Sorted(maps.Keys(p.channels)) {
		ch := p.channels[number]
		p.cutShort(&ch.receiving, ch, at)
		ch.tangled = ch.tangled || len(ch.calls) > 1
		p.waiting -= len(ch.calls)
		ch.calls = ch.calls[:0]
		p.settle(ch, len(ch.published))
	}
}

// missedRequests is for when bytes of the client are missing: more may have been published.
func (p *Parser) missedRequests(at time.Time) {
	for _, number := range slices.Sorted(maps.Keys(p.channels)) {
		ch := p.channels[number]
		p.cutShort(&ch.sending, ch, at)
		ch.followed, ch.confirms, ch.queue = false, false, ""
	}
}
