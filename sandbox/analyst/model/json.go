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
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || raw[0] != '{' || depth == 0 {
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
	switch {
	case len(raw) == 0 || raw[0] == 'n':
		return ""
	case raw[0] == '"':
		return printable(unquote(raw), maxCell)
	case raw[0] != '[' && raw[0] != '{':
		return rounded(json.Number(raw))
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return ""
	}
	if l, ok := v.([]any); ok {
		return printable(list(l), maxCell)
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
	if harmless(text) {
		return text
	}
	text = strings.ToValidUTF8(text, "\uFFFD")
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

// harmless tells whether a text is printable ASCII, as most are.
func harmless(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
