// Package terminal makes text fit to be shown on one.
package terminal

import (
	"strings"
	"unicode"
)

// Line is text as one line without control characters: what was read from the outside must not drive a terminal.
func Line(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, text)
}
