// Package terminal makes text fit to be shown on one.
package terminal

import (
	"strings"
	"unicode"
)

// Line is text as one line without characters that act and do not show: what was read from the outside must not drive a
// terminal, nor show other words than it holds.
func Line(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || unicode.In(r, unicode.Zl, unicode.Zp):
			return ' '
		case unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Co):
			return -1
		}
		return r
	}, text)
}
