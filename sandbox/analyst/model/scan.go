package model

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// member is a field of a JSON object.
type member struct {
	key   string
	value json.RawMessage
}

// members are the fields of a valid JSON object in the order they stand; nil if it is none. Nothing is copied: a result may
// have megabytes, of which a prompt shows a few thousand bytes.
func members(raw json.RawMessage) []member {
	var out []member
	each(raw, '{', func(key string, value json.RawMessage) { out = append(out, member{key, value}) })
	return out
}

// elements are those of a valid JSON array; ok is false if it is none.
func elements(raw json.RawMessage) (list []json.RawMessage, ok bool) {
	ok = each(raw, '[', func(_ string, value json.RawMessage) { list = append(list, value) })
	return list, ok
}

// each visits what an object or an array holds. It returns false if raw does not start with that bracket.
func each(raw json.RawMessage, bracket byte, visit func(key string, value json.RawMessage)) bool {
	i := space(raw, 0)
	if i >= len(raw) || raw[i] != bracket {
		return false
	}
	for i = space(raw, i+1); i < len(raw) && raw[i] != '}' && raw[i] != ']'; i = space(raw, i) {
		key := ""
		if bracket == '{' {
			end := skip(raw, i)
			key = unquote(raw[i:end])
			i = space(raw, space(raw, end)+1) // behind the colon
		}
		end := skip(raw, i)
		visit(key, raw[i:end:end])
		if i = space(raw, end); i < len(raw) && raw[i] == ',' {
			i++
		}
	}
	return true
}

// space is where the white space at i ends.
func space(raw []byte, i int) int {
	for i < len(raw) && (raw[i] == ' ' || raw[i] == '\n' || raw[i] == '\t' || raw[i] == '\r') {
		i++
	}
	return i
}

// skip is where the value at i ends.
func skip(raw []byte, i int) int {
	for depth := 0; i < len(raw); {
		switch raw[i] {
		case '"':
			i = quoteEnd(raw, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\n', '\t', '\r':
			i++
			continue
		default:
			i = wordEnd(raw, i)
		}
		if depth == 0 {
			return i
		}
	}
	return len(raw)
}

// wordEnd is where the number, true, false or null at i ends.
func wordEnd(raw []byte, i int) int {
	for ; i < len(raw); i++ {
		switch raw[i] {
		case ',', ':', ']', '}', ' ', '\n', '\t', '\r':
			return i
		}
	}
	return i
}

// quoteEnd is behind the quote that ends the text at i.
func quoteEnd(raw []byte, i int) int {
	for i++; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			return i + 1
		case '\\':
			i++ // what is escaped
		}
	}
	return len(raw)
}

func unquote(raw json.RawMessage) string {
	if len(raw) >= 2 && bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
