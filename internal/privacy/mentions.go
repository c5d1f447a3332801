package privacy

import "strings"

// Mentions tells whether something in text looks like a pseudonym, so that Resolve could change it.
func Mentions(text string) bool {
	for i := 0; ; {
		dash := strings.IndexByte(text[i:], '-')
		if dash < 0 {
			return false
		}
		if _, _, ok := pseudonymAt(text, i+dash); ok {
			return true
		}
		i += dash + 1
	}
}
