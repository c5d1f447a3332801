package amqp

import (
	"bytes"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

// maxHeld is how many frames of the server are held back.
const maxHeld = 32

// told takes a frame of the server. What seems to answer nothing is held back, with all that comes behind it: a write is told when it returns, and by then
// another thread may have read the answer.
func (p *Parser) told(f protocol.Frame) bool {
	if len(p.held) == 0 && !p.early(f) {
		return p.answered(f)
	}
	keep := len(f.Bytes)
	if keep > frameHead && f.Bytes[0] == frameBody {
		keep = frameHead
	}
	f.Bytes = bytes.Clone(f.Bytes[:keep])
	p.held = append(p.held, f)
	if len(p.held) > maxHeld || f.Last.Sub(p.held[0].Last) > patience {
		return p.releaseAll()
	}
	return true
}

// release takes what was held back, up to a frame whose request may still be told: one that came after at, until when all requests are told.
func (p *Parser) release(at time.Time) bool {
	for len(p.held) > 0 && (!p.early(p.held[0]) || !p.held[0].Last.After(at)) {
		if !p.releaseOne() {
			return false
		}
	}
	return true
}

func (p *Parser) releaseAll() bool {
	for len(p.held) > 0 {
		if !p.releaseOne() {
			return false
		}
	}
	return true
}

func (p *Parser) releaseOne() bool {
	f := p.held[0]
	p.held = p.held[1:]
	return p.answered(f)
}

// early tells whether a frame of the server answers what was not told yet.
func (p *Parser) early(f protocol.Frame) bool {
	b, ok := payload(f)
	if !ok || f.Bytes[0] != frameMethod || p.client.Lost() || p.closed {
		return false
	}
	n, m, a, ok := readMethod(b, int64(len(f.Bytes)) == f.Size, server)
	if !ok {
		return false
	}
	number := channelOf(f.Bytes)
	ch := p.channels[number]
	switch {
	case n == channelClose:
		return ch == nil || len(ch.calls)+len(ch.published) == 0
	case n == connectionClose:
		return p.waiting == 0
	case n == basicReturn:
		to := address(number, a.texts[1], a.texts[2])
		return find(p.returnable, to) < 0 && (ch == nil || find(ch.published, to) < 0)
	case n == basicAck || n == basicNack:
		return ch == nil || ch.followed && (!ch.confirms || a.tag > ch.whole)
	case m.answers != 0:
		return ch == nil || ch.closed == nil && !ch.tangled && ch.awaits(id{n.class, m.answers}, f.Last) < 0
	}
	return false
}
