package native

import "strings"

// split cuts at the commas outside of brackets and quotes.
func split(s string) (parts []string) {
	depth, from := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\'', '`', '"':
			i = closing(s, i)
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				parts, from = append(parts, strings.TrimSpace(s[from:i])), i+1
			}
		}
	}
	if s = strings.TrimSpace(s[from:]); s != "" {
		parts = append(parts, s)
	}
	return parts
}

// closing is where the quote that opens at i closes, or the last character.
func closing(s string, i int) int {
	quote := s[i]
	for i++; i < len(s) && s[i] != quote; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	return min(i, len(s)-1)
}

// unnamed drops the names of elements: "name Type" becomes "Type".
func unnamed(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = afterName(a)
	}
	return out
}

func afterName(s string) string {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '`':
			i = closing(s, i)
		case '(':
			return s
		case ' ':
			return s[i+1:]
		}
	}
	return s
}
