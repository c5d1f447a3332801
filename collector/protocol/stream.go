package protocol

// MaxBuffered bounds the unread bytes of one direction.
const MaxBuffered = 32 << 10

// Stream is one direction of a connection: bytes to read, and a count of bytes to come that are of no interest. It
// lets a reader say "skip the body" once, whether the body was copied, lies in a hole, or has not arrived yet.
type Stream struct {
	buf    []byte
	skip   int64 // bytes to drop before buf grows again; buf is empty while it is positive
	fed    int64 // bytes that came so far
	astray bool  // it was reset since: what comes next is not the fed-th byte of anything
}

// Offset is how many bytes of the direction came up to and including the next to be read; 0: that is not known.
func (s *Stream) Offset() int64 {
	if s.astray || s.skip > 0 {
		return 0
	}
	return s.fed - int64(len(s.buf)) + 1
}

// Pass counts n bytes that somebody else read. It may be negative: they are written again.
func (s *Stream) Pass(n int64) { s.fed += n }

// Write appends the next bytes. It returns false, keeping nothing, if the reader let too many pile up.
func (s *Stream) Write(b []byte) bool {
	s.fed += int64(len(b))
	if drop := min(s.skip, int64(len(b))); drop > 0 {
		s.skip -= drop
		b = b[drop:]
	}
	if len(s.buf)+len(b) > MaxBuffered {
		s.Reset()
		return false
	}
	s.buf = append(s.buf, b...)
	return true
}

// Hole passes over n bytes that nobody copied. It returns false if some of them were of interest: the reader has
// lost its place.
func (s *Stream) Hole(n int64) bool {
	s.fed += n
	if s.skip < n {
		s.Reset()
		return false
	}
	s.skip -= n
	return true
}

// Bytes returns what can be read now. Next and Write overwrite it.
func (s *Stream) Bytes() []byte { return s.buf }

// Skipping tells that skipped bytes have still to pass.
func (s *Stream) Skipping() bool { return s.skip > 0 }

// Next moves n bytes forward, past what has arrived if need be.
func (s *Stream) Next(n int64) {
	have := min(n, int64(len(s.buf)))
	rest := copy(s.buf, s.buf[have:])
	s.buf = s.buf[:rest]
	s.skip += n - have
}

// Reset forgets everything, as at the start of a new message, and where in the direction that is.
func (s *Stream) Reset() { s.buf, s.skip, s.astray = s.buf[:0], 0, true }
