package cassandra

import "encoding/binary"

// body reads the notations of a body, of which the end may be missing. What goes past what is there reads as nothing, and cut says so.
type body struct {
	b   []byte
	cut bool
}

func (r *body) take(n int) []byte {
	if r.cut || n < 0 || n > len(r.b) {
		r.cut = true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *body) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *body) short() int {
	if b := r.take(2); b != nil {
		return int(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *body) int() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

// shortBytes is a string or an id: bytes behind a short.
func (r *body) shortBytes() []byte { return r.take(r.short()) }

// value passes over bytes behind an int; a negative one stands for null and for what is not set.
func (r *body) value() []byte {
	if n := r.int(); n > 0 {
		return r.take(int(n))
	}
	return nil
}

// text is a long string; when it is cut, what is there of it up to the end of a word.
func (r *body) text() string {
	n := int(r.int())
	if r.cut || n < 0 {
		r.cut = true
		return ""
	}
	if n <= len(r.b) {
		return string(r.take(n))
	}
	r.cut = true
	end := len(r.b)
	for end > 0 && !isBreak(r.b[end-1]) {
		end--
	}
	return string(r.b[:end])
}

// isBreak says that no literal without quotes goes on across c.
func isBreak(c byte) bool { return c <= ' ' || c == ',' || c == '(' || c == '=' }

// stringMap reads pairs of strings.
func (r *body) stringMap(each func(key, value string)) {
	for n := r.short(); n > 0 && !r.cut; n-- {
		key, value := r.shortBytes(), r.shortBytes()
		if !r.cut {
			each(string(key), string(value))
		}
	}
}

// values passes over the values of a statement.
func (r *body) values(named bool) {
	for n := r.short(); n > 0 && !r.cut; n-- {
		if named {
			r.shortBytes()
		}
		r.value()
	}
}
