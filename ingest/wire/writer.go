package wire

import (
	"encoding/base64"
	"math"
	"strconv"
	"unicode/utf8"
)

// writer makes text, and stops soon after end.
type writer struct {
	to  []byte
	end int
}

func (w *writer) full() bool { return len(w.to) >= w.end }

// since is what was written after start, no longer than to the end.
func (w *writer) since(start int) []byte {
	w.to = Cut(w.to, w.end)
	return w.to[start:len(w.to):len(w.to)]
}

// Cut is a text of at most n bytes, without splitting a character.
func Cut[T ~string | ~[]byte](text T, n int) T {
	if len(text) <= n {
		return text
	}
	for least := max(0, n-utf8.UTFMax); n > least && !utf8.RuneStart(text[n]); {
		n--
	}
	return text[:n]
}

func (w *writer) put(c byte) { w.to = append(w.to, c) }

func (w *writer) null() { w.to = append(w.to, "null"...) }

func (w *writer) comma(first *bool) {
	if !*first {
		w.put(',')
	}
	*first = false
}

// number writes a double in JSON, which has none that is no number.
func (w *writer) number(f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		w.to = append(appendDouble(append(w.to, '"'), f), '"')
		return
	}
	w.to = appendDouble(w.to, f)
}

// base64 writes bytes, of more than fit as many as would fit unchanged.
func (w *writer) base64(b []byte) {
	w.to = base64.StdEncoding.AppendEncode(w.to, b[:min(len(b), max(0, w.end-len(w.to)))])
}

// quoted writes a JSON string.
func (w *writer) quoted(text []byte) { w.to = appendQuoted(w.to, text, w.end) }

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
func AppendQuoted(to, text []byte) []byte { return appendQuoted(to, text, math.MaxInt) }

// appendQuoted leaves out what comes after end.
func appendQuoted(to, text []byte, end int) []byte {
	to = append(to, '"')
	for i := 0; i < len(text) && len(to) < end; {
		n := min(plain(text[i:]), end-len(to))
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
