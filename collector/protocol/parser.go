package protocol

import (
	"slices"
	"time"
)

// Parser follows one connection from its requests to their answers. It is fed by one goroutine. A method that returns
// false has given up (encryption, an upgrade, bytes that make no sense) and wants no more.
type Parser interface {
	// Data is the next bytes of a direction. They are valid only during the call.
	Data(d Direction, at time.Time, b []byte) bool
	// Hole is n bytes of a direction that nobody copied.
	Hole(d Direction, at time.Time, n int64) bool
	// Idle tells that no request waits for its answer. The two directions may be fed slightly out of order; whoever feeds
	// holds back answers while the parser is idle.
	Idle() bool
	// Close ends the connection: what waits for an answer will not get one.
	Close(at time.Time)
}

// MaxPending bounds the requests of one connection that wait for an answer. More are pipelined by no ordinary client;
// the parser gives up.
const MaxPending = 1024

// Segment is one transfer in one direction: its first bytes, a hole unless those are all, its last bytes.
type Segment struct {
	Direction Direction
	At        time.Time
	Size      int64
	Head      []byte
	Tail      []byte
}

// maxPiece is the most bytes given to a parser at once: half of what a Stream holds.
const maxPiece = MaxBuffered / 2

// Feed gives a segment to a parser. It returns false if the parser gave up.
func (s Segment) Feed(p Parser) bool {
	if !s.data(p, s.Head) {
		return false
	}
	if hole := s.Size - int64(len(s.Head)+len(s.Tail)); hole > 0 && !p.Hole(s.Direction, s.At, hole) {
		return false
	}
	return s.data(p, s.Tail)
}

func (s Segment) data(p Parser, b []byte) bool {
	for piece := range slices.Chunk(b, maxPiece) {
		if !p.Data(s.Direction, s.At, piece) {
			return false
		}
	}
	return true
}
