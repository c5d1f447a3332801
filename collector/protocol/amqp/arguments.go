package amqp

import "encoding/binary"

// arguments are what matters of a method's, in their order.
type arguments struct {
	texts [4][]byte // short strings; valid as long as the frame is
	codes [3]uint16 // short numbers
	tag   uint64    // of a delivery
	bits  byte
	whole bool // all were there to be read
}

// reader goes through a payload. Past its end it reads nothing, and short is set.
type reader struct {
	b     []byte
	short bool
}

func (r *reader) next(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.b, r.short = nil, true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// number reads one of at most 8 bytes.
func (r *reader) number(bytes int) (n uint64) {
	for _, b := range r.next(uint64(bytes)) {
		n = n<<8 | uint64(b)
	}
	return n
}

func (r *reader) shortString() []byte { return r.next(r.number(1)) }
func (r *reader) longString() []byte  { return r.next(r.number(4)) }

// readArguments reads arguments by their layout: o an octet, h a short number, l a long one, L a delivery tag, s a short string, S a long one, t a table, b bits. fits is
// true if b ends with them.
func readArguments(layout string, b []byte) (a arguments, fits bool) {
	r := reader{b: b}
	texts, codes := 0, 0
	for _, kind := range layout {
		switch kind {
		case 'o':
			r.number(1)
		case 'h':
			a.codes[codes] = uint16(r.number(2))
			codes++
		case 'l':
			r.number(4)
		case 'L':
			a.tag = r.number(8)
		case 's':
			a.texts[texts] = r.shortString()
			texts++
		case 'S', 't':
			r.longString()
		case 'b':
			a.bits = byte(r.number(1))
		}
	}
	a.whole = !r.short
	return a, a.whole && len(r.b) == 0
}

// readID reads which method a payload is of.
func readID(payload []byte) (n id, rest []byte) {
	if len(payload) < 4 {
		return id{}, nil
	}
	return id{binary.BigEndian.Uint16(payload), binary.BigEndian.Uint16(payload[2:])}, payload[4:]
}
