package kafka

import "encoding/binary"

// body reads the fields of a message of which perhaps only the beginning is there. Once cut or bad, everything reads as zero.
type body struct {
	b        []byte
	size     int64 // how much the message says that is still to come, of which b is the beginning
	flexible bool  // lengths are compact, and structures end with tagged fields
	cut      bool  // the rest was not copied
	bad      bool  // this is no such message
}

func (r *body) over() bool { return r.cut || r.bad }

// take returns the next n bytes, or nil if they are not all there.
func (r *body) take(n int64) []byte {
	switch {
	case r.over():
		return nil
	case n < 0 || n > r.size:
		r.bad = true
		return nil
	case n > int64(len(r.b)):
		r.cut = true
		return nil
	}
	taken := r.b[:n]
	r.b, r.size = r.b[n:], r.size-n
	return taken
}

// inner is the next n bytes as a message of its own, as far as it is there.
func (r *body) inner(n int64) body {
	if r.over() || n < 0 || n > r.size {
		r.bad = r.bad || !r.cut
		return body{}
	}
	in := body{b: r.b[:min(n, int64(len(r.b)))], size: n}
	r.take(n)
	return in
}

func (r *body) int8() int8 {
	if b := r.take(1); b != nil {
		return int8(b[0])
	}
	return 0
}

func (r *body) int16() int16 {
	if b := r.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *body) int32() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

// uvarint is an unsigned number of at most 32 bits in groups of seven.
func (r *body) uvarint() uint32 {
	var n uint64
	for shift := 0; shift < 35; shift += 7 {
		b := r.take(1)
		if b == nil {
			return 0
		}
		n |= uint64(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			r.bad = r.bad || n > 1<<32-1
			return uint32(n)
		}
	}
	r.bad = true
	return 0
}

// varint is a signed number, zigzag; of records, whose timestamps have up to 64 bits.
func (r *body) varint() int64 {
	var n uint64
	for shift := 0; shift < 70; shift += 7 {
		b := r.take(1)
		if b == nil {
			return 0
		}
		n |= uint64(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			return int64(n>>1) ^ -int64(n&1)
		}
	}
	r.bad = true
	return 0
}

// length of a text, of bytes or of an array, in a field of so many bytes unless it is compact; -1 for null.
func (r *body) length(field int) int64 {
	switch {
	case r.flexible:
		return int64(r.uvarint()) - 1
	case field == 2:
		return r.null(int64(r.int16()))
	default:
		return r.null(int64(r.int32()))
	}
}

func (r *body) null(n int64) int64 {
	r.bad = r.bad || n < -1
	return n
}

func (r *body) text() []byte { return r.take(max(r.length(2), 0)) }

// tags passes over tagged fields.
func (r *body) tags() {
	if !r.flexible {
		return
	}
	for n := r.uvarint(); n > 0 && !r.over(); n-- {
		r.uvarint()
		r.take(int64(r.uvarint()))
	}
}
