package cassandra

import (
	"slices"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

// segment is the head of one of version 5: lengths of the payload as sent and inflated, and whether it holds whole envelopes. A checksum of 3 bytes
// ends the head, one of 4 the payload.
type segment struct {
	length        int
	inflated      int // 0: the payload is not compressed
	selfContained bool
}

const (
	plainHead      = 3
	compressedHead = 5
	headChecksum   = 3
	checksum       = 4
	lengthBits     = 17
	maxPayload     = 1<<lengthBits - 1
)

// segmentHead is how long the head is.
func segmentHead(compressed bool) int {
	if compressed {
		return compressedHead + headChecksum
	}
	return plainHead + headChecksum
}

// readSegment reads the head b begins with, and returns false if its checksum does not fit.
func readSegment(b []byte, compressed bool) (segment, bool) {
	size := segmentHead(compressed)
	if len(b) < size {
		return segment{}, false
	}
	fields, sum := b[:size-headChecksum], littleEndian(b[size-headChecksum:size])
	if uint64(crc24(fields)) != sum {
		return segment{}, false
	}
	v := littleEndian(fields)
	s := segment{length: int(v & maxPayload)}
	v >>= lengthBits
	if compressed {
		s.inflated = int(v & maxPayload)
		v >>= lengthBits
	}
	s.selfContained = v == 1
	return s, v <= 1 && s.length > 0
}

func littleEndian(b []byte) (v uint64) {
	for _, c := range slices.Backward(b) {
		v = v<<8 | uint64(c)
	}
	return v
}

// crc24 is the checksum of a segment's head.
func crc24(b []byte) uint32 {
	const initial, polynomial, overflow = 0x875060, 0x1974f0b, 1 << 24
	crc := uint32(initial)
	for _, c := range b {
		crc ^= uint32(c) << 16
		for range 8 {
			if crc <<= 1; crc&overflow != 0 {
				crc ^= polynomial
			}
		}
	}
	return crc
}

// side cuts one direction into envelopes, which come in segments from some moment on.
type side struct {
	envelopes  protocol.Frames
	segments   *protocol.Frames // nil: there are none
	compressed bool             // their heads and payloads
	last       segment          // that was whole
}

// segmented has all that follows come in segments.
func (s *side) segmented(compressed bool) {
	s.compressed = compressed
	s.envelopes.Unpacked()
	s.segments = &protocol.Frames{
		Head: segmentHead(compressed),
		Keep: maxKept,
		Size: func(b []byte) int64 {
			h, ok := readSegment(b, compressed)
			if !ok {
				return 0
			}
			return int64(segmentHead(compressed)+h.length) + checksum
		},
		Begins: func(b []byte) bool { _, ok := readSegment(b, compressed); return ok },
	}
}

func (s *side) lost() bool { return s.envelopes.Lost() || s.segments != nil && s.segments.Lost() }

func (s *side) lose() {
	s.envelopes.Lose()
	if s.segments != nil {
		s.segments.Lose()
	}
}

func (s *side) data(at time.Time, b []byte, each func(protocol.Frame) bool) bool {
	if s.segments == nil {
		return s.envelopes.Data(at, b, each)
	}
	ok := s.segments.Data(at, b, func(f protocol.Frame) bool { return s.segment(f, each) })
	s.follow()
	return ok
}

func (s *side) hole(at time.Time, n int64, each func(protocol.Frame) bool) bool {
	if s.segments == nil {
		return s.envelopes.Hole(at, n, each)
	}
	whole := func(f protocol.Frame) bool { return s.segment(f, each) }
	for n > 0 && !s.segments.Lost() {
		left := s.segments.Left()
		if next := s.next(); left == 0 && next != nil && n > int64(len(next)) {
			if !s.segments.Data(at, next, whole) {
				return false
			}
			n -= int64(len(next))
			continue
		}
		step := n
		if left > 0 {
			step = min(n, left)
		}
		if !s.segments.Hole(at, step, whole) {
			return false
		}
		n -= step
	}
	s.follow()
	return true
}

// next is the head of the segment that must come in the middle of an envelope, because all but its last segment are as long as they can be; nil where
// that is not certain. If it is wrong after all, the checksum of the next head that is seen does not fit.
func (s *side) next() []byte {
	left := s.envelopes.Left()
	if s.compressed || s.envelopes.Lost() || left <= 0 || s.last.selfContained || s.last.length != maxPayload {
		return nil
	}
	length := uint32(min(left, maxPayload))
	b := []byte{byte(length), byte(length >> 8), byte(length >> 16)}
	sum := crc24(b)
	return append(b, byte(sum), byte(sum>>8), byte(sum>>16))
}

// follow loses the envelopes with the segments they came in.
func (s *side) follow() {
	if s.segments.Lost() && !s.envelopes.Lost() {
		s.envelopes.Lose()
	}
}

// segment hands the envelopes on that a segment holds. The first of them begins when the segment does.
func (s *side) segment(f protocol.Frame, each func(protocol.Frame) bool) bool {
	h, ok := readSegment(f.Bytes, s.compressed)
	if !ok {
		return false
	}
	s.last = h
	payload, size := s.payload(f.Bytes, h)
	if s.envelopes.Lost() && !h.selfContained && !s.beginsLong(payload, size) {
		return true
	}
	first := min(len(payload), 1)
	if s.envelopes.Lost() { // what looks for its place needs a whole head
		first = len(payload)
	}
	if first > 0 && !s.pieces(f.First, payload[:first], each) || !s.pieces(f.Last, payload[first:], each) {
		return false
	}
	rest := int64(size - len(payload))
	return rest == 0 || s.envelopes.Hole(f.Last, rest, each)
}

// beginsLong says that a payload begins an envelope that goes on in the next segments, and is no part of one that began before.
func (s *side) beginsLong(payload []byte, size int) bool {
	return len(payload) >= headSize && s.envelopes.Size(payload[:headSize]) > int64(size)
}

func (s *side) pieces(at time.Time, b []byte, each func(protocol.Frame) bool) bool {
	for piece := range slices.Chunk(b, protocol.MaxBuffered/2) {
		if !s.envelopes.Data(at, piece, each) {
			return false
		}
	}
	return true
}

// payload is what can be read of a segment's payload, from its start, and how long all of it is.
func (s *side) payload(b []byte, h segment) (payload []byte, size int) {
	b = b[segmentHead(s.compressed):]
	b = b[:min(len(b), h.length)]
	if h.inflated == 0 {
		return b, h.length
	}
	if len(b) < h.length {
		return nil, h.inflated
	}
	out, ok := inflateBlock(b, int64(h.inflated))
	if !ok {
		return nil, h.inflated
	}
	return out, h.inflated
}
