package privacy

import (
	"encoding/json"
	"strings"
)

// place says where a string of a JSON document stands.
type place struct {
	key    string // the object key it is the value of, or of the nearest object around its array; "" at the top
	name   string // the string under "name" or "key" before it in the same object: {"name": "DB_PASSWORD", "value": …}
	before string // the element before it in the same array, when that is a string
	isKey  bool   // it is a key itself
}

// level is one open object or array.
type level struct {
	object bool
	key    string
	name   string
	before string
	want   bool // in an object: the next string is a key
}

// rewriteStrings gives every string of a valid JSON document to f, keys included, and puts what f returns in its place.
// Everything else, and what f leaves alone, keeps its bytes.
func rewriteStrings(doc string, f func(text string, at place) string) string {
	var out strings.Builder
	levels := []level{{}}
	copied := 0
	for i := 0; i < len(doc); i++ {
		top := &levels[len(levels)-1]
		switch doc[i] {
		case '{':
			inner := level{object: true, want: true}
			if strings.EqualFold(top.key, "value") { // {"key": "password", "value": {"stringValue": …}}
				inner.name = top.name
			}
			levels = append(levels, inner)
		case '[':
			levels = append(levels, level{key: top.key})
		case '}', ']':
			levels = levels[:max(1, len(levels)-1)]
		case ',':
			top.want = top.object
		case '"':
			end := stringEnd(doc, i)
			text := decodeString(doc[i:end])
			at := place{key: top.key, name: top.name, before: top.before, isKey: top.want}
			if with := f(text, at); with != text {
				out.WriteString(doc[copied:i])
				out.Write(encodeString(with))
				copied = end
			}
			top.saw(text)
			i = end - 1
		}
	}
	if copied == 0 {
		return doc
	}
	out.WriteString(doc[copied:])
	return out.String()
}

// saw takes note of a string for the places of those after it.
func (l *level) saw(text string) {
	switch {
	case l.want:
		l.key, l.want = text, false
	case l.object && (strings.EqualFold(l.key, "name") || strings.EqualFold(l.key, "key")):
		l.name = text
	case !l.object:
		l.before = text
	}
}

// stringEnd returns the index after the string literal that starts at i.
func stringEnd(doc string, i int) int {
	for i++; i < len(doc); i++ {
		switch doc[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(doc)
}

func decodeString(literal string) string {
	if strings.IndexByte(literal, '\\') < 0 {
		return strings.ToValidUTF8(literal[1:len(literal)-1], "\uFFFD")
	}
	var text string
	if err := json.Unmarshal([]byte(literal), &text); err != nil {
		return "" // not in a valid document
	}
	return text
}

// encodeString never fails; it leaves <, > and & alone, which json.Marshal would not.
func encodeString(text string) []byte {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil {
		return []byte(`""`) // a string always encodes
	}
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}
