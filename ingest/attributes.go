package ingest

import (
	"bytes"
	"unicode/utf8"

	"github.com/midwatch/midwatch/ingest/block"
	"github.com/midwatch/midwatch/ingest/wire"
)

// attribute is a pair as it is stored. Its bytes are part of the request or of the reader's scratch.
type attribute struct{ key, value []byte }

// attributes is those of one record, in the sender's order, which compresses well.
type attributes struct {
	list []attribute
	size int // bytes of keys and values
}

func (a *attributes) reset() { a.list, a.size = a.list[:0], 0 }

// get returns a value, nil if there is none.
func (a *attributes) get(key string) []byte {
	for i := range a.list {
		if string(a.list[i].key) == key {
			return a.list[i].value
		}
	}
	return nil
}

func (a *attributes) has(key []byte) bool {
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
}

func (a *attributes) writeTo(m *block.Map) {
	for i := range a.list {
		m.Put(a.list[i].key, a.list[i].value)
	}
	m.End()
}

// addAttribute reads a KeyValue.
func (r *rows) addAttribute(to *attributes, b []byte) error {
	key, value, err := wire.KeyValue(b)
	if err != nil {
		return err
	}
	text, err := r.text(value)
	if err != nil {
		return err
	}
	r.keep(to, r.valid(key), text)
	return nil
}

// keep adds an attribute. Of several values of one key the first counts; what has no key is left out, and so is what comes after maxAttributes.
func (r *rows) keep(to *attributes, key, text []byte) {
	switch {
	case len(key) == 0, len(key) > maxKey:
		r.tally.note(attributeUnnamed)
	case len(to.list) == maxAttributes:
		r.tally.note(attributesTooMany)
	case to.has(key):
		r.tally.note(attributeTwice)
	default:
		to.put(key, r.shortened(text))
	}
}

// text is an AnyValue as it is stored. It is valid until the record is done.
func (r *rows) text(value []byte) ([]byte, error) {
	text, scratch, err := wire.Text(value, r.scratch)
	r.scratch = scratch
	return r.valid(text), err
}

// valid replaces what is no UTF-8.
func (r *rows) valid(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	r.tally.note(notUTF8)
	return bytes.ToValidUTF8(b, []byte("\uFFFD"))
}

// shortened cuts a value at maxAttribute without splitting a character.
func (r *rows) shortened(value []byte) []byte {
	if len(value) <= maxAttribute {
		return value
	}
	r.tally.note(attributeCut)
	n := maxAttribute
	for n > maxAttribute-utf8.UTFMax && !utf8.RuneStart(value[n]) {
		n--
	}
	return value[:n]
}
