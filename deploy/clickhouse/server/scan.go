package server

import "strings"

// token is a word, a quoted thing or a single character of a query.
type token struct {
	text       string
	start, end int // bytes of the query
}

// scan cuts a query into tokens; comments disappear.
func scan(q string) (tokens []token) {
	for i := 0; i < len(q); {
		if n := blank(q[i:]); n > 0 {
			i += n
			continue
		}
		start := i
		i += tokenLength(q[i:])
		tokens = append(tokens, token{q[start:i], start, i})
	}
	return tokens
}

// blank is how many bytes of white space or comment q starts with.
func blank(q string) int {
	switch {
	case strings.IndexByte(" \t\n\r", q[0]) >= 0:
		return 1
	case strings.HasPrefix(q, "--"), strings.HasPrefix(q, "# "), strings.HasPrefix(q, "#!"):
		if n := strings.IndexByte(q, '\n'); n >= 0 {
			return n + 1
		}
		return len(q)
	case strings.HasPrefix(q, "/*"):
		if n := strings.Index(q[2:], "*/"); n >= 0 {
			return n + 4
		}
		return len(q)
	}
	return 0
}

func tokenLength(q string) int {
	switch c := q[0]; {
	case c == '\'' || c == '"' || c == '`':
		i := 1
		for ; i < len(q) && q[i] != c; i++ {
			if q[i] == '\\' {
				i++
			}
		}
		return min(i+1, len(q))
	case word(c):
		i := 1
		for i < len(q) && word(q[i]) {
			i++
		}
		return i
	}
	return 1
}

func word(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
