package template

import (
	"strings"
	"unicode/utf8"
)

// Message replaces the values in an error's text: what stands in single quotes, what follows a colon in double quotes
// (elsewhere double quotes hold names), what follows "Key (…)=", and numbers. It is cut to max bytes.
func Message(s string, max int) string {
	var b strings.Builder
	for i := 0; i < len(s) && b.Len() < max; {
		switch c := s[i]; {
		case c == '\'' && Apostrophe(s, i):
			b.WriteByte(c)
			i++
		case c == '\'':
			i = pastQuote(s, i, &b)
		case c == '"' && (strings.HasSuffix(s[:i], ": ") || strings.HasSuffix(s[:i], "=")):
			i = pastQuote(s, i, &b)
		case strings.HasPrefix(s[i:], ")=("):
			b.WriteString(")=(?")
			i += 3
			for i < len(s) && s[i] != ')' {
				i++
			}
		case c >= '0' && c <= '9' && (i == 0 || !isWord(s[i-1])):
			b.WriteByte('?')
			for i < len(s) && (isWord(s[i]) || s[i] == '.' && i+1 < len(s) && isWord(s[i+1])) {
				i++
			}
		default:
			b.WriteByte(c)
			i++
		}
	}
	return Cut(b.String(), max)
}

// Apostrophe tells whether the quote at i is that of a word as "doesn't", and quotes nothing.
func Apostrophe(s string, i int) bool {
	return i >= 2 && s[i-1] == 'n' && s[i-2] >= 'a' && s[i-2] <= 'z' && strings.HasPrefix(s[i+1:], "t") && (i+2 == len(s) || !isWord(s[i+2]) && s[i+2] != '\'')
}

// pastQuote writes "?" in quotes and returns where the quoted text ends.
func pastQuote(s string, i int, b *strings.Builder) int {
	quote := s[i]
	b.WriteByte(quote)
	b.WriteByte('?')
	b.WriteByte(quote)
	end := strings.IndexByte(s[i+1:], quote)
	if end < 0 {
		return len(s)
	}
	return i + 1 + end + 1
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= utf8.RuneSelf
}

// Cut shortens s to at most max bytes of valid UTF-8.
func Cut(s string, max int) string {
	if len(s) > max {
		s = s[:max]
	}
	return strings.ToValidUTF8(s, "")
}
