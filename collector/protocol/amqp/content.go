package amqp

import (
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

// content is a message on its way: a method, a header, bodies until they are as long as the header says.
type content struct {
	of    id // the method; zero: there is none
	call  protocol.Call
	first time.Time
	size  int64 // of its frames so far
	head  bool  // the header came
	left  int64 // of the bodies

	tag uint64 // of a message that will be confirmed
	to  uint64 // of one that may be returned
}

// begin begins a content with its method.
func (c *content) begin(of id, f protocol.Frame, call protocol.Call) {
	*c = content{of: of, call: call, first: f.First, size: f.Size}
}

// add takes a header or a body. done is true if that was the last, ok is false if this cannot be one.
func (c *content) add(f protocol.Frame) (done, ok bool) {
	b, ok := payload(f)
	if !ok {
		return false, false
	}
	header := f.Bytes[0] == frameHeader
	if header && !isHeader(b) {
		return false, false
	}
	if c.of == (id{}) || header == c.head {
		*c = content{} // the middle of something that was not seen
		return false, true
	}
	c.size += f.Size
	if header {
		c.head, c.left = true, bodySize(b)
		c.call.TraceParent = traceParent(b)
	} else {
		c.left -= f.Size - frameHead - 1
	}
	return c.left <= 0, true
}

// cutShort ends a content of which the rest will not be seen. It was begun, so there is a message.
func (p *Parser) cutShort(c *content, ch *channel, at time.Time) {
	if c.of != (id{}) {
		c.size += c.left
		p.complete(c, ch, at)
	}
}

// complete ends a content.
func (p *Parser) complete(c *content, ch *channel, at time.Time) {
	switch whole := *c; whole.of {
	case basicPublish:
		p.sent(ch, whole, at)
	case basicDeliver:
		c := whole.call
		c.Duration, c.ResponseBytes = max(at.Sub(c.Start), 0), whole.size
		p.emit(c)
	default: // fetched, or come back
		p.answer(whole.call, whole.first, at, whole.size)
	}
	*c = content{}
}

// unfinished tells of a content of which the rest did not come before the connection was closed.
func (p *Parser) unfinished(c *content, at time.Time) {
	switch c.of {
	case id{}:
		return
	case basicReturn:
		c.call.Answered(c.first, at)
	default:
		c.call.Unanswered(at)
	}
	p.emit(c.call)
}

// answer tells of a call that was answered.
func (p *Parser) answer(c protocol.Call, first, last time.Time, size int64) {
	c.Answered(first, last)
	c.ResponseBytes = size
	p.emit(c)
}
