package wire

import (
	"encoding/base64"
	"errors"
	"math"
	"strconv"
	"unicode/utf8"
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
// appended to scratch, whose new end is returned too; a string is part of b.
func Text(b, scratch []byte) (text, end []byte, err error) {
	v, err := readAny(b)
	if err != nil {
		return nil, scratch, err
	}
	if v.kind == kindString {
		return v.bytes, scratch, nil
	}
	start := len(scratch)
	if scratch, err = v.appendText(scratch, 0); err != nil {
		return nil, scratch, err
	}
	return scratch[start:len(scratch):len(scratch)], scratch, nil
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

// appendText appends what a value is outside of JSON.
func (v anyValue) appendText(to []byte, depth int) ([]byte, error) {
	switch v.kind {
	case kindNone:
		return to, nil
	case kindString:
		return append(to, v.bytes...), nil
	case kindBytes:
		return base64.StdEncoding.AppendEncode(to, v.bytes), nil
	case kindDouble:
		return appendDouble(to, math.Float64frombits(v.bits)), nil
	}
	return v.appendJSON(to, depth)
}

func (v anyValue) appendJSON(to []byte, depth int) ([]byte, error) {
	if depth > maxDepth {
		return to, ErrDeep
	}
	switch v.kind {
	case kindString:
		return AppendQuoted(to, v.bytes), nil
	case kindBool:
		return strconv.AppendBool(to, v.bits != 0), nil
	case kindInt:
		return strconv.AppendInt(to, int64(v.bits), 10), nil
	case kindDouble:
		f := math.Float64frombits(v.bits)
		if math.IsNaN(f) || math.IsInf(f, 0) { // JSON has no such number
			return append(appendDouble(append(to, '"'), f), '"'), nil
		}
		return appendDouble(to, f), nil
	case kindBytes:
		return append(base64.StdEncoding.AppendEncode(append(to, '"'), v.bytes), '"'), nil
	case kindList:
		return appendList(to, v.bytes, depth+1)
	case kindMap:
		return appendMap(to, v.bytes, depth+1)
	}
	return append(to, "null"...), nil
}

func appendList(to, b []byte, depth int) ([]byte, error) {
	to = append(to, '[')
	first := true
	m := Read(b)
	for m.Next() {
		if m.Number() != 1 {
			continue
		}
		v, err := readAny(m.Bytes())
		if err != nil {
			return to, err
		}
		if to, err = v.appendJSON(comma(to, &first), depth); err != nil {
			return to, err
		}
	}
	return append(to, ']'), m.Err()
}

func appendMap(to, b []byte, depth int) ([]byte, error) {
	to = append(to, '{')
	first := true
	m := Read(b)
	for m.Next() {
		if m.Number() != 1 {
			continue
		}
		key, value, err := KeyValue(m.Bytes())
		if err != nil {
			return to, err
		}
		v, err := readAny(value)
		if err != nil {
			return to, err
		}
		to = append(AppendQuoted(comma(to, &first), key), ':')
		if to, err = v.appendJSON(to, depth); err != nil {
			return to, err
		}
	}
	return append(to, '}'), m.Err()
}

func comma(to []byte, first *bool) []byte {
	if *first {
		*first = false
		return to
	}
	return append(to, ',')
}

// appendDouble writes a number as JSON does: without an exponent where that is short.
func appendDouble(to []byte, f float64) []byte {
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) && !math.IsInf(f, 0) {
		format = 'e'
	}
	to = strconv.AppendFloat(to, f, format, -1, 64)
	if n := len(to); format == 'e' && to[n-4] == 'e' && to[n-3] == '-' && to[n-2] == '0' { // e-09 to e-9
		to[n-2] = to[n-1]
		to = to[:n-1]
	}
	return to
}

const hexDigits = "0123456789abcdef"

// AppendQuoted appends text as a JSON string. Bytes that are no UTF-8 become U+FFFD.
func AppendQuoted(to, text []byte) []byte {
	to = append(to, '"')
	for i := 0; i < len(text); {
		n := plain(text[i:])
		to = append(to, text[i:i+n]...)
		if i += n; i == len(text) {
			break
		}
		switch c := text[i]; {
		case c == '"' || c == '\\':
			to = append(to, '\\', c)
		case c == '\n':
			to = append(to, '\\', 'n')
		case c == '\t':
			to = append(to, '\\', 't')
		case c < ' ':
			to = append(to, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			r, size := utf8.DecodeRune(text[i:])
			to = utf8.AppendRune(to, r)
			i += size - 1
		}
		i++
	}
	return append(to, '"')
}

// plain is how many bytes stand in JSON as they are.
func plain(text []byte) int {
	for i, c := range text {
		if c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return i
		}
	}
	return len(text)
}
