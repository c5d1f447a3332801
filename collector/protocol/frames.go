package protocol

import (
	"slices"
	"time"
)

// Frame is one frame of a direction: a message, or a part of one, that says at its beginning how long it is.
type Frame struct {
	Bytes  []byte // the first of it, its head included; valid until the callback returns
	Size   int64  // all of it
	First  time.Time
	Last   time.Time
	Offset int64 // of its first byte, as Call.Offset
}

// Frames cuts one direction of a connection into frames. Of each it keeps the beginning and passes over the rest, whether that was copied or not. A frame is
// handed on when its last byte came. Where bytes are missing that say how long a frame is, the direction is lost until a transfer begins as Begins wants.
type Frames struct {
	Head   int                     // bytes that say how long a frame is
	Size   func(head []byte) int64 // of a whole frame, its head included; less than Head: no frame begins so
	Keep   int                     // how many bytes of a frame matter, at least Head and at most half of MaxBuffered
	Begins func(b []byte) bool     // whether b, in the middle of a connection, begins with a frame; nil: that cannot be told

	stream Stream
	lost   bool
	held   []byte    // while it is lost: bytes with which a frame may begin whose head was not whole
	begun  time.Time // when the first byte of the frame came that is not whole; zero: there is none
	offset int64     // of that byte
	kept   []byte    // the beginning of a frame of which the rest is passed over
	size   int64     // of that frame; 0: there is none
}

// Lost says that it is not known where the next frame begins.
func (f *Frames) Lost() bool { return f.lost }

// Astray says that what came last belongs to no frame that is known.
func (f *Frames) Astray() bool { return f.lost && len(f.held) == 0 }

// Left is how many bytes are still to come of the frame that has begun; 0 between two frames, less while its head is not whole.
func (f *Frames) Left() int64 {
	b := f.stream.Bytes()
	switch {
	case f.stream.Skipping() || len(b) == 0:
		return f.stream.skip
	case len(b) < f.Head:
		return -1
	}
	return f.Size(b[:f.Head]) - int64(len(b))
}

// Pass counts n bytes of the direction that somebody else read. It may be negative: they are given again.
func (f *Frames) Pass(n int64) { f.stream.Pass(n) }

// Unpacked says that from now on what is given was packed in something else: where in the direction it stood is not known.
func (f *Frames) Unpacked() { f.stream.astray = true }

// Lose forgets what came of a frame.
func (f *Frames) Lose() {
	f.stream.Reset()
	f.kept, f.size, f.begun, f.lost, f.held = f.kept[:0], 0, time.Time{}, true, nil
}

// Data takes the next bytes and hands on the frames that are whole with them. It returns false if these are no frames, or each returned false.
func (f *Frames) Data(at time.Time, b []byte, each func(Frame) bool) bool {
	if f.lost {
		if b = f.find(b); b == nil {
			return true
		}
		f.lost = false
	}
	if !f.stream.Write(b) {
		f.Lose()
		return true
	}
	return f.read(at, each)
}

// Hole passes over bytes that nobody copied. It returns false if each did.
func (f *Frames) Hole(at time.Time, n int64, each func(Frame) bool) bool {
	if f.lost {
		f.held = nil
		return true
	}
	if b := f.stream.Bytes(); f.size == 0 && len(b) >= f.Head {
		f.pass(b, f.Size(b[:f.Head])) // a prefix of what matters is all there will be
	}
	rest := min(n, f.stream.skip)
	whole := f.size > 0 && rest == f.stream.skip
	f.stream.Hole(rest)
	if whole && !f.finish(at, each) {
		return false
	}
	if rest < n {
		f.Lose()
	}
	return true
}

// find returns the bytes from where frames begin, nil if they do not. Programs may read a frame's head by itself, or a part of it.
func (f *Frames) find(b []byte) []byte {
	joined := slices.Concat(f.held, b)
	f.held = nil
	switch {
	case f.Begins == nil:
		return nil
	case f.Begins(joined):
		return joined
	case len(joined) > len(b) && f.Begins(b):
		return b
	case len(joined) <= f.Head:
		f.held = joined
	case len(b) <= f.Head:
		f.held = slices.Clone(b)
	}
	return nil
}

func (f *Frames) read(at time.Time, each func(Frame) bool) bool {
	for !f.stream.Skipping() {
		if f.size > 0 && !f.finish(at, each) {
			return false
		}
		b := f.stream.Bytes()
		if len(b) == 0 {
			return true
		}
		if f.begun.IsZero() {
			f.begun, f.offset = at, f.stream.Offset()
		}
		if len(b) < f.Head {
			return true
		}
		size := f.Size(b[:f.Head])
		if size < int64(f.Head) {
			return false
		}
		if int64(len(b)) < min(size, int64(f.Keep)) {
			return true
		}
		f.pass(b, size)
	}
	return true
}

// pass keeps what matters of a frame that begins with b and goes to its end.
func (f *Frames) pass(b []byte, size int64) {
	f.size = size
	f.kept = append(f.kept[:0], b[:min(size, int64(f.Keep), int64(len(b)))]...)
	f.stream.Next(size)
}

func (f *Frames) finish(at time.Time, each func(Frame) bool) bool {
	frame := Frame{Bytes: f.kept, Size: f.size, First: f.begun, Last: at, Offset: f.offset}
	f.size, f.begun = 0, time.Time{}
	return each(frame)
}
