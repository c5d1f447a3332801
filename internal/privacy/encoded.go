package privacy

import (
	"encoding/base64"
	"unicode/utf8"
)

const (
	minEncoded = 16
	maxEncoded = 1 << 16 // bytes of one encoded piece that are looked into
)

// percentEncoded looks into percent-encoding, if there is any: what is found there is marked where its encoding stands.
func (s *scanner) percentEncoded(i, j int) bool {
	if s.depth >= maxDepth || j-i > maxEncoded {
		return false
	}
	plain, at := unescapePercent(s.text[i:j])
	if len(plain) == j-i {
		return false
	}
	found := s.inside(plain)
	for _, f := range found {
		f.from, f.to = i+at[f.from], i+at[f.to]
		s.found = append(s.found, f)
	}
	return true
}

// unescapePercent decodes, and says where in t each byte of the result begins.
func unescapePercent(t string) (plain string, at []int) {
	b := make([]byte, 0, len(t))
	at = make([]int, 0, len(t)+1)
	for i := 0; i < len(t); i++ {
		at = append(at, i)
		if t[i] == '%' && i+2 < len(t) && isHex(t[i+1]) && isHex(t[i+2]) {
			b = append(b, unhex(t[i+1])<<4|unhex(t[i+2]))
			i += 2
			continue
		}
		b = append(b, t[i])
	}
	return string(b), append(at, len(t))
}

func unhex(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// base64Encoded marks a whole piece of base64 as a secret when what it holds must not leave.
func (s *scanner) base64Encoded(i, j int) bool {
	if s.depth >= maxDepth || j-i < minEncoded || j-i > maxEncoded {
		return false
	}
	plain, ok := decodeBase64(s.text[i:j])
	if !ok || len(s.inside(plain)) == 0 {
		return false
	}
	s.secret(i, j, "base64")
	return true
}

// decodeBase64 decodes either alphabet, padded or not, when the result is text.
func decodeBase64(t string) (string, bool) {
	for len(t) > 0 && t[len(t)-1] == '=' {
		t = t[:len(t)-1]
	}
	for _, enc := range [...]*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		head := min(len(t), 24) &^ 3
		if b, err := enc.DecodeString(t[:head]); err != nil || !printable(b, true) {
			continue
		}
		if b, err := enc.DecodeString(t); err == nil && printable(b, false) {
			return string(b), true
		}
	}
	return "", false
}

func printable(b []byte, cut bool) bool {
	if !cut && !utf8.Valid(b) {
		return false
	}
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

func (s *scanner) inside(plain string) []finding {
	inner := scanner{text: plain, hosts: s.hosts, keep: s.keep, own: s.own, depth: s.depth + 1}
	return inner.scan()
}
