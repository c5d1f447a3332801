package otlp

import (
	"bytes"
	"hash/maphash"
	"unicode/utf8"

	"github.com/midwatch/midwatch/ingest/block"
	"github.com/midwatch/midwatch/ingest/wire"
)

// attribute is a pair as it is stored. Its bytes are part of the request or of the reader's scratch.
type attribute struct{ key, value []byte }

// attributes is those of one record, in the sender's order, which compresses well.
type attributes struct {
	list  []attribute
	size  int                 // bytes of keys and values
	index map[uint64]struct{} // hashes of the keys, when there are many

	sum    uint64 // of the hashes of the first of them: see hashed
	summed int    // how many those are
}

func (a *attributes) reset() {
	a.list, a.size, a.sum, a.summed = a.list[:0], 0, 0, 0
	clear(a.index)
}

// get returns a value, nil if there is none.
func (a *attributes) get(key string) []byte {
	for i := range a.list {
		if string(a.list[i].key) == key {
			return a.list[i].value
		}
	}
	return nil
}

// few are attributes whose keys are compared one by one, which is faster than an index of them.
const few = 32

// keyHashes is of this process alone: nobody can send keys whose hashes are the same.
var keyHashes = maphash.MakeSeed()

func (a *attributes) has(key []byte) bool {
	if len(a.list) > few {
		_, ok := a.index[maphash.Bytes(keyHashes, key)]
		return ok
	}
	for i := range a.list {
		if k := a.list[i].key; len(k) == len(key) && bytes.Equal(k, key) {
			return true
		}
	}
	return false
}

func (a *attributes) put(key, value []byte) {
	a.list = append(a.list, attribute{key, value})
	a.size += len(key) + len(value)
	switch {
	case len(a.list) == few+1:
		if a.index == nil {
			a.index = map[uint64]struct{}{}
		}
		for i := range a.list {
			a.index[maphash.Bytes(keyHashes, a.list[i].key)] = struct{}{}
		}
	case len(a.list) > few:
		a.index[maphash.Bytes(keyHashes, key)] = struct{}{}
	}
}

// cut leaves the first n.
func (a *attributes) cut(n int) {
	for i, pair := range a.list[n:] {
		a.size -= len(pair.key) + len(pair.value)
		if n+i < a.summed {
			a.sum -= pair.hash()
		}
		if n > few {
			delete(a.index, maphash.Bytes(keyHashes, pair.key))
		}
	}
	a.list, a.summed = a.list[:n], min(a.summed, n)
	if n <= few {
		clear(a.index)
	}
}

func (a *attributes) writeTo(m *block.Map) {
	for i := range a.list {
		m.Put(a.list[i].key, a.list[i].value)
	}
	m.End()
}

// addAttribute reads a KeyValue.
func (r *Rows) addAttribute(to *attributes, b []byte) error {
	key, value, err := wire.KeyValue(b)
	if err != nil {
		return err
	}
	start := len(r.scratch)
	text, err := r.text(value, maxAttribute)
	if err != nil {
		return err
	}
	if !r.keep(to, wire.Cut(key, longKey), text) {
		r.scratch = r.scratch[:start]
	}
	return nil
}

// longKey and long are as much of a text as has to be looked at to see that it is too long.
const longKey = maxKey + utf8.UTFMax

func long(most int) int { return most + utf8.UTFMax }

// keep adds an attribute. Of several values of one key the first counts; what has no key is left out, and so is what comes after maxAttributes.
func (r *Rows) keep(to *attributes, key, text []byte) bool {
	switch key = r.valid(key); {
	case len(key) == 0, len(key) > maxKey:
		r.Tally.note(attributeUnnamed)
	case len(to.list) == maxAttributes:
		r.Tally.note(attributesTooMany)
	case to.has(key):
		r.Tally.note(attributeTwice)
	default:
		to.put(key, r.shortened(text))
		return true
	}
	return false
}

// text is an AnyValue as it is stored, of more than most bytes maybe only the first. It is valid until the record is done. A record whose texts
// would take more than any may have is said to be long, and nobody wants the rest of them.
func (r *Rows) text(value []byte, most int) ([]byte, error) {
	if r.long = r.long || len(r.scratch) > maxObject; r.long {
		return nil, nil
	}
	text, scratch, err := wire.Text(value, r.scratch, long(most))
	r.scratch = scratch
	return r.valid(wire.Cut(text, long(most))), err
}

// begin forgets what was made of the record before.
func (r *Rows) begin() { r.scratch, r.long = r.scratch[:0], false }

// valid replaces what is no UTF-8.
func (r *Rows) valid(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	r.Tally.note(notUTF8)
	return bytes.ToValidUTF8(b, []byte("\uFFFD"))
}

// shortened cuts a value at maxAttribute without splitting a character.
func (r *Rows) shortened(value []byte) []byte {
	if len(value) <= maxAttribute {
		return value
	}
	r.Tally.note(attributeCut)
	return wire.Cut(value, maxAttribute)
}
