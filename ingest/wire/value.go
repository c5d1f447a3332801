package wire

import (
	"errors"
	"math"
	"strconv"
)

// maxDepth is how deep values may lie within values.
const maxDepth = 64

// ErrDeep means that an attribute's values are nested deeper than 64.
var ErrDeep = errors.New("nested too deep")

// KeyValue reads an OTLP KeyValue. The value is nil when there is none.
func KeyValue(b []byte) (key, value []byte, err error) {
	m := Read(b)
	for m.Next() {
		switch m.Number() {
		case 1:
			key = m.Bytes()
		case 2:
			value = m.Bytes()
		}
	}
	return key, value, m.Err()
}

// Text is an OTLP AnyValue as text: a string as it is, numbers in decimal, bytes in base64, lists and maps as JSON. What has to be made is
// appended to scratch, whose new end is returned too, and made no longer than most bytes, and a character's: one byte that came may be six of JSON.
// A string is part of b, whatever its length.
func Text(b, scratch []byte, most int) (text, end []byte, err error) {
	v, err := readAny(b)
	if err != nil {
		return nil, scratch, err
	}
	if v.kind == kindString {
		return v.bytes, scratch, nil
	}
	w := writer{to: scratch, end: len(scratch) + most}
	if err := v.writeText(&w); err != nil {
		return nil, scratch, err
	}
	return w.since(len(scratch)), w.to, nil
}

// Kinds of value, by their field number in AnyValue.
const (
	kindNone   = 0
	kindString = 1
	kindBool   = 2
	kindInt    = 3
	kindDouble = 4
	kindList   = 5
	kindMap    = 6
	kindBytes  = 7
)

// anyValue is one AnyValue: of several fields the last counts, as protobuf's oneof says.
type anyValue struct {
	kind  int32
	bits  uint64
	bytes []byte
}

func readAny(b []byte) (anyValue, error) {
	var v anyValue
	m := Read(b)
	for m.Next() {
		switch n := m.Number(); n {
		case kindString, kindList, kindMap, kindBytes:
			v = anyValue{kind: n, bytes: m.Bytes()}
		case kindBool, kindInt:
			v = anyValue{kind: n, bits: m.Varint()}
		case kindDouble:
			v = anyValue{kind: n, bits: m.Fixed64()}
		}
	}
	return v, m.Err()
}

// writeText writes what a value is outside of JSON.
func (v anyValue) writeText(w *writer) error {
	switch v.kind {
	case kindNone:
	case kindBytes:
		w.base64(v.bytes)
	case kindDouble:
		w.to = appendDouble(w.to, math.Float64frombits(v.bits))
	default:
		return v.writeJSON(w, 0)
	}
	return nil
}

func (v anyValue) writeJSON(w *writer, depth int) error {
	if depth > maxDepth {
		return ErrDeep
	}
	switch v.kind {
	case kindString:
		w.quoted(v.bytes)
	case kindBool:
		w.to = strconv.AppendBool(w.to, v.bits != 0)
	case kindInt:
		w.to = strconv.AppendInt(w.to, int64(v.bits), 10)
	case kindDouble:
		w.number(math.Float64frombits(v.bits))
	case kindBytes:
		w.put('"')
		w.base64(v.bytes)
		w.put('"')
	case kindList:
		return writeList(w, v.bytes, depth+1)
	case kindMap:
		return writeMap(w, v.bytes, depth+1)
	default:
		w.null()
	}
	return nil
}

func writeList(w *writer, b []byte, depth int) error {
	w.put('[')
	first := true
	m := Read(b)
	for !w.full() && m.Next() {
		if m.Number() != 1 {
			continue
		}
		v, err := readAny(m.Bytes())
		if err != nil {
			return err
		}
		w.comma(&first)
		if err := v.writeJSON(w, depth); err != nil {
			return err
		}
	}
	w.put(']')
	return m.Err()
}

func writeMap(w *writer, b []byte, depth int) error {
	w.put('{')
	first := true
	m := Read(b)
	for !w.full() && m.Next() {
		if m.Number() != 1 {
			continue
		}
		key, value, err := KeyValue(m.Bytes())
		if err != nil {
			return err
		}
		v, err := readAny(value)
		if err != nil {
			return err
		}
		w.comma(&first)
		w.quoted(key)
		w.put(':')
		if err := v.writeJSON(w, depth); err != nil {
			return err
		}
	}
	w.put('}')
	return m.Err()
}
