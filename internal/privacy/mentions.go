package privacy

import "strings"

// PseudonymsIn returns what looks like a pseudonym in text, in order.
func PseudonymsIn(text string) []string {
	var names []string
	for i := 0; ; {
		dash := strings.IndexByte(text[i:], '-')
		if dash < 0 {
			return names
		}
		if from, to, ok := pseudonymAt(text, i+dash); ok {
			names = append(names, text[from:to])
		}
		i += dash + 1
	}
}

// Mentions tells whether something in text looks like a pseudonym, so that Resolve could change it.
func Mentions(text string) bool { return len(PseudonymsIn(text)) > 0 }
