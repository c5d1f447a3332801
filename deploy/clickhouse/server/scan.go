package server

import (
	"iter"
	"strings"
)

type kind int

const (
	isOther  kind = iota // a word or a single character
	isName               // in double quotes or backquotes
	isString             // in quotes, a heredoc too
)

// token is a word, a quoted thing or a single character of a query.
type token struct {
	kind       kind
	text       string
	start, end int // bytes of the query
}

// scan cuts a query into tokens, where the engine cuts it; comments disappear.
func scan(q string) iter.Seq[token] {
	return func(yield func(token) bool) {
		for i := 0; i < len(q); {
			if n := blank(q[i:]); n > 0 {
				i += n
				continue
			}
			n, k := tokenLength(q[i:])
			if !yield(token{k, q[i : i+n], i, i + n}) {
				return
			}
			i += n
		}
	}
}

// blank is how many bytes of white space or comment q starts with. Beyond ASCII there is nothing else outside of quotes, but for quotes themselves.
func blank(q string) int {
	switch {
	case q[0] <= ' ':
		return 1
	case q[0] >= 0x80:
		if _, _, quote := curly(q); !quote {
			return 1
		}
	case strings.HasPrefix(q, "--"), strings.HasPrefix(q, "//"), strings.HasPrefix(q, "# "), strings.HasPrefix(q, "#!"):
		return through(q, 0, "\n")
	case strings.HasPrefix(q, "/*"):
		return comment(q)
	}
	return 0
}

// comment is the length of the comment that q starts with; one may lie in another.
func comment(q string) int {
	for depth, i := 0, 0; i+1 < len(q); i++ {
		switch q[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			i++
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(q)
}

// through is where the first end after i is over, or the end of q.
func through(q string, i int, end string) int {
	if n := strings.Index(q[i:], end); n >= 0 {
		return i + n + len(end)
	}
	return len(q)
}

func tokenLength(q string) (int, kind) {
	c := q[0]
	if end, k, quote := curly(q); quote {
		return through(q, 0, end), k
	}
	switch n := heredoc(q); {
	case c == '\'':
		return quoted(q), isString
	case c == '"' || c == '`':
		return quoted(q), isName
	case n > 0:
		return n, isString
	case word(c) || c == '$':
		i := 1
		for i < len(q) && (word(q[i]) || q[i] == '$' && !digit(c)) {
			i++
		}
		return i, isOther
	}
	return 1, isOther
}

// quoted is the length of what is in quotes, where a backslash or a second quote keeps a quote from being the last.
func quoted(q string) int {
	for i := 1; i < len(q); i++ {
		switch q[i] {
		case '\\':
			i++
		case q[0]:
			if i+1 == len(q) || q[i+1] != q[0] {
				return i + 1
			}
			i++
		}
	}
	return len(q)
}

// curly is how a typographic quote that q begins with ends. Nothing in it is escaped.
func curly(q string) (end string, k kind, ok bool) {
	switch {
	case strings.HasPrefix(q, "‘"):
		return "’", isString, true
	case strings.HasPrefix(q, "“"):
		return "”", isName, true
	}
	return "", isOther, false
}

// heredoc is the length of $tag$…$tag$, 0 of anything else.
func heredoc(q string) int {
	if q[0] != '$' {
		return 0
	}
	n := tag(q)
	if i := strings.Index(q[n:], q[:n]); n > 0 && i >= 0 {
		return n + i + n
	}
	return 0
}

// tag is the length of $tag$.
func tag(q string) int {
	i := 1
	for i < len(q) && word(q[i]) {
		i++
	}
	if i < len(q) && q[i] == '$' {
		return i + 1
	}
	return 0
}

// is says whether a token is a keyword.
func (t token) is(keyword string) bool {
	return t.kind == isOther && strings.EqualFold(t.text, keyword)
}

// content is what a token says, out of its quotes. What an escape makes that is no letter does not matter here.
func (t token) content() string {
	if t.kind == isOther {
		return t.text
	}
	if n := len("“"); t.text[0] >= 0x80 {
		return t.text[n:max(n, len(t.text)-n)]
	}
	if t.text[0] == '$' {
		n := tag(t.text)
		return t.text[n : len(t.text)-n]
	}
	var b strings.Builder
	for i := 1; i < len(t.text)-1; i++ {
		c := t.text[i]
		if c == t.text[0] {
			i++ // of two
		} else if c == '\\' {
			i++
			switch e := t.text[i:]; {
			case len(e) > 3 && e[0] == 'x':
				c = hex(e[1])<<4 | hex(e[2])
				i += 2
			case e[0] == 'N':
				continue
			default:
				c = e[0]
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}

func hex(c byte) byte {
	if digit(c) {
		return c - '0'
	}
	return (c | 0x20 - 'a' + 10) & 15
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func word(c byte) bool {
	return c == '_' || digit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
