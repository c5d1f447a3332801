package clickhouse

import "encoding/binary"

// reader reads what packets are made of. What goes past the end reads as nothing, and short says so.
type reader struct {
	b     []byte
	short bool // more bytes are needed
	bad   bool // this is not what it should be, or its length cannot be told
}

func (r *reader) ok() bool { return !r.short && !r.bad }

func (r *reader) take(n int) []byte {
	if !r.ok() {
		return nil
	}
	if n < 0 || n > maxString {
		r.bad = true
		return nil
	}
	if n > len(r.b) {
		r.short = true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// flag is a byte that is 0 or 1.
func (r *reader) flag() bool {
	v := r.byte()
	r.bad = r.bad || v > 1
	return v == 1
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) varint() uint64 {
	if !r.ok() {
		return 0
	}
	v, n := binary.Uvarint(r.b)
	switch {
	case n > 0:
		r.b = r.b[n:]
	case n == 0:
		r.short = true
	default:
		r.bad = true
	}
	return v
}

func (r *reader) varints(n int) {
	for range n {
		r.varint()
	}
}

func (r *reader) string() []byte {
	n := r.varint()
	if n > maxString {
		r.bad = true
	}
	return r.take(int(n))
}

// text is a string of which the end may be missing.
func (r *reader) text() (text []byte, whole bool) {
	n := r.varint()
	r.bad = r.bad || n > maxString
	if !r.ok() {
		return nil, false
	}
	if n <= uint64(len(r.b)) {
		return r.take(int(n)), true
	}
	return r.b, false
}

// maxString bounds what a string may claim to be.
const maxString = 1 << 30
