package memcached

import (
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

// Parser reads one connection, in the variant of the protocol in which its first request is. It implements protocol.Parser.
type Parser struct {
	emit    func(protocol.Call)
	variant protocol.Parser // nil before the first request
}

var _ protocol.Parser = (*Parser)(nil)

// New returns a parser that hands each answered command to emit.
func New(emit func(protocol.Call)) *Parser { return &Parser{emit: emit} }

// Data implements protocol.Parser.
func (p *Parser) Data(d protocol.Direction, at time.Time, b []byte) bool {
	if p.variant == nil && len(b) > 0 {
		if d == protocol.Response {
			return true // to what was asked before
		}
		if b[0] == requestMagic {
			p.variant = newBinary(p.emit)
		} else {
			p.variant = &text{emit: p.emit}
		}
	}
	return len(b) == 0 || p.variant.Data(d, at, b)
}

// Hole implements protocol.Parser.
func (p *Parser) Hole(d protocol.Direction, at time.Time, n int64) bool {
	return p.variant == nil || p.variant.Hole(d, at, n)
}

// Idle implements protocol.Parser.
func (p *Parser) Idle() bool { return p.variant == nil || p.variant.Idle() }

// Close implements protocol.Parser.
func (p *Parser) Close(at time.Time) {
	if p.variant != nil {
		p.variant.Close(at)
	}
}
