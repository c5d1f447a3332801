package kafka

import (
	"slices"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

// side is a direction of a connection. Brokers and clients in Java read how long a message is before they read the message, so that one begins with two transfers.
type side struct {
	protocol.Frames
	held []byte // where the direction is lost: bytes of which a message may begin
}

// data takes the next bytes.
func (s *side) data(at time.Time, b []byte, each func(protocol.Frame) bool) bool {
	if !s.Lost() {
		return s.Data(at, b, each)
	}
	joined := slices.Concat(s.held, b)
	s.held = nil
	switch {
	case s.Begins(joined):
		return s.Data(at, joined, each)
	case len(joined) > len(b) && s.Begins(b):
		return s.Data(at, b, each)
	case len(joined) < answerHead:
		s.held = joined
	case len(b) < answerHead:
		s.held = slices.Clone(b)
	}
	return true
}

// hole passes over bytes that nobody copied.
func (s *side) hole(at time.Time, n int64, each func(protocol.Frame) bool) bool {
	s.held = nil
	return s.Hole(at, n, each)
}

// astray tells that what came last belongs to nothing that is known.
func (s *side) astray() bool { return s.Lost() && len(s.held) == 0 }
