package privacy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// The kinds of pseudonym. A pseudonym is the kind, a dash, a decimal digit and at least six hex digits: the leading digit
// keeps words such as "user-service" and "host-decade" apart from pseudonyms.
const (
	KindIP    = "ip"
	KindEmail = "email"
	KindUser  = "user"
	KindHost  = "host"
)

// digits is how long a pseudonym's number is unless two originals collide: 28 bits.
const digits = 7

// EnvironmentKey derives the key of an environment's pseudonyms from an installation's key.
func EnvironmentKey(master []byte, environment string) []byte {
	mac := hmac.New(sha256.New, master)
	mac.Write([]byte("pseudonyms/" + environment))
	return mac.Sum(nil)
}

// derive returns the pseudonym of an original with n hex digits, the first of them decimal; n is at most 60.
func derive(key []byte, kind, original string, n int) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(kind + "\x00" + original))
	sum := mac.Sum(nil)
	return kind + "-" + string('0'+rune(sum[0]%10)) + hex.EncodeToString(sum[1:])[:n-1]
}

// pseudonymAt finds the bounds of what looks like a pseudonym around a dash, which stands between kind and number.
func pseudonymAt(text string, dash int) (from, to int, ok bool) {
	kind, ok := kindBefore(text[:dash])
	if !ok {
		return 0, 0, false
	}
	from, to = dash-len(kind), dash+1
	if to == len(text) || !isDigit(text[to]) {
		return 0, 0, false
	}
	for to < len(text) && isLowerHex(text[to]) {
		to++
	}
	if to-dash-1 < digits || to < len(text) && alphanumeric(text[to]) {
		return 0, 0, false
	}
	return from, to, true
}

func kindBefore(text string) (string, bool) {
	for _, kind := range [...]string{KindIP, KindHost, KindUser, KindEmail} {
		if strings.HasSuffix(text, kind) {
			return kind, true
		}
	}
	return "", false
}

// isPseudonym tells whether the whole text looks like a pseudonym.
func isPseudonym(text string) bool {
	dash := strings.IndexByte(text, '-')
	if dash < 0 {
		return false
	}
	from, to, ok := pseudonymAt(text, dash)
	return ok && from == 0 && to == len(text)
}
