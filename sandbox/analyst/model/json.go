package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// member is a field of a JSON object.
type member struct {
	key   string
	value json.RawMessage
}

// members are the fields of a JSON object in the order they stand; nil if it is none.
func members(raw json.RawMessage) []member {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	var out []member
	for d.More() {
		key, err := d.Token()
		var m member
		if err != nil || d.Decode(&m.value) != nil {
			return out
		}
		m.key, _ = key.(string)
		out = append(out, m)
	}
	return out
}

// elements are those of a JSON array; ok is false if it is none.
func elements(raw json.RawMessage) (list []json.RawMessage, ok bool) {
	if !starts(raw, '[') || json.Unmarshal(raw, &list) != nil {
		return nil, false
	}
	return list, true
}

func starts(raw json.RawMessage, with byte) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	return len(raw) > 0 && raw[0] == with
}

// cell is a value with the path to it.
type cell struct{ name, text string }

// Bounds of one row: a list or object that is deeper or wider stays JSON, or is left out.
const (
	maxDepth = 4
	maxCells = 200
)

// flatten turns a value into cells, one per field down to maxDepth. Lists within rows stay JSON, cut.
func flatten(name string, raw json.RawMessage) []cell { return appendCells(nil, name, raw, maxDepth) }

func appendCells(out []cell, name string, raw json.RawMessage, depth int) []cell {
	if !starts(raw, '{') || depth == 0 {
		return append(out, cell{name: orValue(name), text: text(raw)})
	}
	for _, m := range members(raw) {
		if len(out) >= maxCells {
			break
		}
		path := m.key
		if name != "" {
			path = name + "." + m.key
		}
		out = appendCells(out, printable(path, maxCell), m.value, depth-1)
	}
	return out
}

// orValue names what has no name: the elements of a list that are no objects.
func orValue(name string) string {
	if name == "" {
		return "value"
	}
	return name
}

// text is a value in a cell.
func text(raw json.RawMessage) string {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return ""
	}
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return printable(v, maxCell)
	case []any:
		return printable(list(v), maxCell)
	}
	return printable(compact(v), maxCell)
}

// list writes a list of plain values with commas, any other as JSON.
func list(v []any) string {
	var parts []string
	for _, e := range v {
		switch e.(type) {
		case []any, map[string]any:
			return compact(v)
		}
		parts = append(parts, compact(e))
	}
	return strings.Join(parts, ",")
}

// compact writes a value as JSON with rounded numbers, texts without quotes at the top.
func compact(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return rounded(v)
	}
	b, err := json.Marshal(roundAll(v))
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

func roundAll(v any) any {
	switch v := v.(type) {
	case json.Number:
		return json.Number(rounded(v))
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = roundAll(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = roundAll(e)
		}
		return out
	}
	return v
}

// rounded keeps whole numbers and rounds others to four digits.
func rounded(n json.Number) string {
	s := n.String()
	if !strings.ContainsAny(s, ".eE") {
		return s
	}
	f, err := n.Float64()
	if err != nil || math.IsInf(f, 0) {
		return s
	}
	if math.Abs(f) >= 1000 && math.Abs(f) < 1e15 {
		return strconv.FormatFloat(math.Round(f), 'f', -1, 64)
	}
	return strconv.FormatFloat(f, 'g', 4, 64)
}

// printable makes one line of a text that is shown to a model: what would break the line or hide is written as an escape.
func printable(text string, limit int) string {
	return cut(escape(cut(text, 4*limit), false), limit)
}

// lines is printable for texts that keep their lines.
func lines(text string, limit int) string {
	return cut(strings.TrimSpace(escape(cut(text, 4*limit), true)), limit)
}

func escape(text string, keepLines bool) string {
	if strings.IndexFunc(text, func(r rune) bool { return visible(r) != r }) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == ' ', r == '\n' && keepLines, visible(r) == r:
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		default:
			fmt.Fprintf(&b, `\u{%x}`, r)
		}
	}
	return b.String()
}
