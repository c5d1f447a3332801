package mongodb

import (
	"bytes"
	"encoding/binary"
	"math"
)

// Types of BSON's elements (bsonspec.org).
const (
	typeDouble   = 0x01
	typeString   = 0x02
	typeDocument = 0x03
	typeArray    = 0x04
	typeInt32    = 0x10
	typeInt64    = 0x12
)

// element is one field of a document, of which the end may be missing.
type element struct {
	kind  byte
	name  []byte
	value []byte
	whole bool
}

// document goes through the fields of a document as far as they are there, until each returns false. ok is false if this is no document.
func document(b []byte, each func(element) bool) (ok bool) {
	const smallest = 5
	if len(b) < 4 {
		return true
	}
	size := int64(int32(binary.LittleEndian.Uint32(b)))
	if size < smallest {
		return false
	}
	whole := size <= int64(len(b))
	b = b[4:min(size, int64(len(b)))]
	for len(b) > 0 && b[0] != 0 {
		e, rest, ok := next(b)
		if !ok {
			return !whole && rest != nil
		}
		if !each(e) {
			return true
		}
		if !e.whole {
			return !whole
		}
		b = rest
	}
	return !whole || len(b) == 1
}

// next reads the element that b begins with. It returns false if there is none; rest is nil then if that is not for want of bytes.
func next(b []byte) (e element, rest []byte, ok bool) {
	e.kind = b[0]
	end := bytes.IndexByte(b[1:], 0)
	if end < 0 {
		return e, b, false
	}
	e.name, rest = b[1:1+end], b[end+2:]
	size := sizeOf(e.kind, rest)
	switch {
	case size < 0:
		return e, nil, false
	case size > int64(len(rest)):
		e.value = rest
		return e, nil, true
	}
	e.value, e.whole = rest[:size], true
	return e, rest[size:], true
}

// sizeOf is the size of a value that begins with b, -1 if there is no such type or size, and more than there is where b ends before that is known.
func sizeOf(kind byte, b []byte) int64 {
	switch kind {
	case 0x06, 0x0a, 0x7f, 0xff: // undefined, null, the largest and the smallest key
		return 0
	case 0x08: // boolean
		return 1
	case typeInt32:
		return 4
	case typeDouble, typeInt64, 0x09, 0x11: // time, timestamp
		return 8
	case 0x07: // object id
		return 12
	case 0x13: // decimal
		return 16
	case 0x0b: // regular expression: two strings that end with 0
		pattern := bytes.IndexByte(b, 0)
		options := bytes.IndexByte(b[pattern+1:], 0)
		if pattern < 0 || options < 0 {
			return math.MaxInt64
		}
		return int64(pattern + options + 2)
	}
	if len(b) < 4 {
		return math.MaxInt64
	}
	n := int64(int32(binary.LittleEndian.Uint32(b)))
	switch kind {
	case typeString, 0x0d, 0x0e: // code, symbol
		return positive(n, 1, 4)
	case 0x0c: // pointer
		return positive(n, 1, 4+12)
	case 0x05: // bytes
		return positive(n, 0, 4+1)
	case typeDocument, typeArray, 0x0f: // code with its variables
		return positive(n, 5, 0)
	}
	return -1
}

func positive(n, least, more int64) int64 {
	if n < least {
		return -1
	}
	return n + more
}

// text is a string's, as far as it is there.
func (e element) text() string {
	if e.kind != typeString || len(e.value) < 4 {
		return ""
	}
	b, _, _ := bytes.Cut(e.value[4:], []byte{0})
	return string(b)
}

// number is that of a number; ok is false of anything else.
func (e element) number() (n float64, ok bool) {
	switch {
	case !e.whole:
		return 0, false
	case e.kind == typeInt32:
		return float64(int32(binary.LittleEndian.Uint32(e.value))), true
	case e.kind == typeInt64:
		return float64(int64(binary.LittleEndian.Uint64(e.value))), true
	case e.kind == typeDouble:
		return math.Float64frombits(binary.LittleEndian.Uint64(e.value)), true
	}
	return 0, false
}
