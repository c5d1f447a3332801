package http2

import (
	"time"

	"golang.org/x/net/http2"

	"github.com/midwatch/midwatch/collector/protocol"
)

// keptFrame is how much of a frame matters: that of one with headers, as large as peers allow it to be where nobody says otherwise.
const keptFrame = protocol.MaxBuffered / 2

// side is one direction of a connection.
type side struct {
	frames protocol.Frames
	table  table
	block  block
	found  bool   // it is known where frames begin
	missed bool   // bytes of it came that were not read
	begun  []byte // while it is not found: what may be the beginning of frames
	unread int64  // bytes behind the last frame that was
	hidden hidden // while it is not found, and until headers came after that
}

// hidden are bytes that nobody read.
type hidden struct {
	size    int64
	bodies  bodies
	before  table // as it was before them
	strange bool  // what Parser.strange was
}

// bodies says that hidden bytes are of bodies alone if the next headers are of the stream next, and no request came after newest. The zero value: there may be headers.
type bodies struct{ next, newest uint32 }

// block is a header block, of which some came.
type block struct {
	open      bool
	stream    uint32
	pushed    bool // of a request that the server makes up
	endStream bool // no more comes on the stream after it
	first     time.Time
	offset    int64 // of its first byte
	size      int64 // of the frames that carry it
	bytes     []byte
	whole     bool // nothing of it is missing so far
}

func newSide() side {
	return side{frames: protocol.Frames{
		Head: headSize, Size: frameSize, Keep: keptFrame,
		Begins: func([]byte) bool { return true }, // side.find looks first
	}}
}

// open begins with the next byte, the first frame's. known says that it is the first of the direction.
func (s *side) open(known bool) {
	s.found = true
	if s.table.sure == nil {
		s.table = newTable(known)
	}
}

// lose forgets the place in the stream, and what came of a frame and a header block.
func (s *side) lose(of bodies, strange bool) {
	s.frames.Lose()
	s.block = block{}
	s.begun = nil
	s.found, s.missed = false, true
	if of != s.hidden.bodies || of == (bodies{}) { // else it is more of the same
		s.hidden = hidden{bodies: of, before: s.table, strange: strange}
	}
	s.hidden.size += s.unread
	s.unread = 0
	s.table = s.table.doubted()
}

// uncover is for the first headers after bytes that are hidden. It returns those, and whether they were bodies alone.
func (s *side) uncover(stream uint32, now bodies) (was hidden, bare bool) {
	was, s.hidden = s.hidden, hidden{}
	if bare = now != (bodies{}) && was.bodies == now && stream == now.next; bare {
		s.table = was.before
	}
	return was, bare
}

func (s *side) data(at time.Time, b []byte, each func(protocol.Frame) bool) bool {
	s.unread += int64(len(b))
	return s.frames.Data(at, b, each)
}

// hole passes over n bytes. It returns false if each did.
func (s *side) hole(at time.Time, n int64, each func(protocol.Frame) bool) bool {
	if !s.found {
		s.frames.Pass(n)
		s.hidden.size += n
		s.begun, s.missed = nil, true
		return true
	}
	s.unread += n
	return s.frames.Hole(at, n, each)
}

// find looks for the place where frames begin. It returns the bytes from there on, nil while there is none.
func (s *side) find(b []byte, known func(stream uint32) bool) []byte {
	const most = 8 << 10
	joined := append(s.begun, b...)
	switch chain, found := follow(joined, known); {
	case found:
		s.begun = nil
		return joined
	case chain && len(joined) <= most:
		s.begun = joined
		return nil
	}
	before := len(s.begun)
	s.begun, s.missed = nil, true
	if before > 0 {
		return s.find(b, known)
	}
	return lastFrames(b, known)
}

// lastFrames are the frames that b ends with, as the end of a transfer does whose middle was not copied: trailers of a stream that is known, and what follows them. Nil if it
// ends with none.
func lastFrames(b []byte, known func(stream uint32) bool) []byte {
	const most = 256
	for i := max(len(b)-most, 0); i+headSize < len(b); i++ {
		h := readHead(b[i:])
		if h.kind != http2.FrameHeaders || !h.flags.Has(http2.FlagHeadersEndStream) || !h.flags.Has(http2.FlagHeadersEndHeaders) || !known(h.stream) {
			continue
		}
		if _, end := walk(b[i:], known, func(headers) {}); end == len(b)-i {
			return b[i:]
		}
	}
	return nil
}

// headers takes a frame of a header block, and hands on the block when it is whole. It returns false if the frame may not stand there.
func (s *side) headers(h head, f protocol.Frame, each func(block) bool) bool {
	if s.block.open != (h.kind == http2.FrameContinuation) || s.block.open && s.block.stream != h.stream {
		return false
	}
	if !s.block.open {
		s.block = block{
			open: true, stream: h.stream, first: f.First, offset: f.Offset, whole: true, bytes: s.block.bytes[:0],
			pushed: h.kind == http2.FramePushPromise, endStream: h.kind == http2.FrameHeaders && h.flags.Has(http2.FlagHeadersEndStream),
		}
	}
	k := &s.block
	k.size += f.Size
	b, whole, ok := fragment(h, f)
	if !ok {
		return false
	}
	if k.whole {
		k.bytes = append(k.bytes, b[:min(len(b), maxBlock-len(k.bytes))]...)
		k.whole = whole && len(k.bytes) < maxBlock
	}
	if !h.flags.Has(http2.FlagHeadersEndHeaders) { // the same bit in all three
		return true
	}
	k.open = false
	return each(*k)
}
