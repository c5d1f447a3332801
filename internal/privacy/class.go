package privacy

// class says what a byte can be part of. A run of bytes with any class is an atom: the unit that is looked at.
type class uint16

const (
	lower class = 1 << iota
	upper
	digit
	dot
	dash    // and other punctuation inside of names: _ + ~
	percent // of percent-encoding
	high    // of a UTF-8 sequence
	nonHex  // a letter that is no hex digit
)

var classes = func() (t [256]class) {
	for c := range 256 {
		switch {
		case c >= 'a' && c <= 'z':
			t[c] = lower
		case c >= 'A' && c <= 'Z':
			t[c] = upper
		case c >= '0' && c <= '9':
			t[c] = digit
		case c == '.':
			t[c] = dot
		case c == '-' || c == '_' || c == '+' || c == '~':
			t[c] = dash
		case c == '%':
			t[c] = percent
		case c >= 0x80:
			t[c] = high
		}
		if t[c]&(lower|upper) != 0 && (c|0x20) > 'f' {
			t[c] |= nonHex
		}
	}
	return t
}()

func isDigit(c byte) bool      { return c >= '0' && c <= '9' }
func isLower(c byte) bool      { return c >= 'a' && c <= 'z' }
func isUpper(c byte) bool      { return c >= 'A' && c <= 'Z' }
func isLetter(c byte) bool     { return isLower(c | 0x20) }
func isLowerHex(c byte) bool   { return isDigit(c) || c >= 'a' && c <= 'f' }
func isHex(c byte) bool        { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }
func isSpace(c byte) bool      { return c == ' ' || c == '\t' }
func isQuote(c byte) bool      { return c == '"' || c == '\'' || c == '`' }
func alphanumeric(c byte) bool { return isDigit(c) || isLetter(c) }

// lineEnd tells whether a byte ends a line.
func lineEnd(c byte) bool { return c == '\n' || c == '\r' }
