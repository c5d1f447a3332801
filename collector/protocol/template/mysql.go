package template

import (
	"strings"
	"unicode/utf8"
)

// plain writes a text of MySQL's dialect so that the library, which was made for others, cannot take a value for anything else: values are '?' with space around,
// comments are a space, and names that could be taken for more than that are `?`.
func plain(text string) string {
	if !utf8.ValidString(text) {
		text = text[:certain(text)]
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		end := i + 1
		switch c := text[i]; {
		case c == '\'' || c == '"':
			end = pastString(text, i)
			b.WriteString(" '?' ")
		case c == '`':
			end = pastName(text, i)
			b.WriteString(plainName(text[i:end]))
		case isComment(text[i:]):
			end = pastComment(text, i)
			b.WriteByte(' ')
		case isWord(c):
			for end < len(text) && isWord(text[end]) {
				end++
			}
			b.WriteString(plainWord(text[i:end]))
		case c == '-' && strings.HasPrefix(text[end:], "-") || c == '\\': // two hyphens that begin no comment would be taken for one
			b.WriteByte(c)
			b.WriteByte(' ')
		default:
			b.WriteByte(c)
		}
		i = end
	}
	return b.String()
}

// certain is where a text of some old character set stops to be: a backslash may be the second byte of a letter in GBK, Big5 and Shift JIS.
func certain(text string) int {
	for i := 1; i < len(text); i++ {
		if text[i] == '\\' && text[i-1] >= utf8.RuneSelf {
			return i
		}
	}
	return len(text)
}

// pastString is where the value that begins at i ends. Its quote is within it twice, or behind a backslash.
func pastString(text string, i int) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
		case text[i] == quote && i+1 < len(text) && text[i+1] == quote:
			i++
		case text[i] == quote:
			return i + 1
		}
	}
	return len(text)
}

func pastName(text string, i int) int {
	end := strings.IndexByte(text[i+1:], '`')
	if end < 0 {
		return len(text)
	}
	return i + 1 + end + 1
}

// plainName is a name as it is, unless it has quotes or is cut off.
func plainName(quoted string) string {
	if len(quoted) < 2 || !strings.HasSuffix(quoted, "`") || strings.ContainsAny(quoted, `'"\`) {
		return "`?`"
	}
	return quoted
}

// isComment tells whether b begins with a comment. Two hyphens begin one only if a space or a control character follows, or nothing.
func isComment(b string) bool {
	return b[0] == '#' || strings.HasPrefix(b, "/*") || strings.HasPrefix(b, "--") && (len(b) == 2 || b[2] <= ' ')
}

func pastComment(text string, i int) int {
	start, closing := i+1, "\n"
	if text[i] == '/' {
		start, closing = i+2, "*/"
	}
	end := strings.Index(text[start:], closing)
	if end < 0 {
		return len(text)
	}
	return start + end + len(closing)
}

// plainWord writes numbers as the library knows them: it takes 0b101 for a number and a name.
func plainWord(word string) string {
	if strings.HasPrefix(word, "0b") && strings.Trim(word[2:], "01") == "" {
		return "0"
	}
	return word
}
