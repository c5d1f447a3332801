package hook

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// plain is text as one line of at most limit bytes: no control, format (direction, zero width) or private characters,
// no invalid UTF-8, single spaces.
func plain(text string, limit int) string {
	if len(text) > 4*limit { // nobody reads the rest, so nobody cleans it
		text = text[:4*limit]
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || unicode.In(r, unicode.C):
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= limit {
		return text
	}
	limit -= len("…")
	for !utf8.RuneStart(text[limit]) {
		limit--
	}
	return strings.TrimSpace(text[:limit]) + "…"
}

// first returns the first of some keys' values that has anything to say.
func first(of map[string]string, limit int, keys ...string) string {
	for _, k := range keys {
		if v := plain(of[k], limit); v != "" {
			return v
		}
	}
	return ""
}
