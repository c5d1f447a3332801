package template

import (
	"strings"
)

// ID stands for a part of a path that names one of many.
const ID = "{id}"

// Bounds of a route. Longer paths are cut: they are rarely routes, and each route becomes a time series.
const (
	maxSegments = 10
	maxSegment  = 64
)

// Route replaces the parts of a URL path that look like ids. "/orders/17/items/9f8e7d6c" becomes
// "/orders/{id}/items/{id}"; versions as v1 stay.
func Route(path string) string {
	if path == "" || path[0] != '/' {
		return path // "*", or the authority of CONNECT
	}
	segments := strings.Split(path[1:], "/")
	if len(segments) > maxSegments {
		segments = append(segments[:maxSegments:maxSegments], "...")
	}
	for i, s := range segments {
		segments[i] = segment(s)
	}
	return "/" + strings.Join(segments, "/")
}

func segment(s string) string {
	if s == "" || isVersion(s) {
		return s
	}
	if isUUID(s) || len(s) > maxSegment || strings.ContainsFunc(s, unusual) {
		return ID
	}
	start := 0
	var b strings.Builder
	for i := 0; i <= len(s); i++ {
		if i < len(s) && !strings.ContainsRune("-_.,:;=", rune(s[i])) {
			continue
		}
		if word := s[start:i]; isID(word) {
			b.WriteString(ID)
		} else {
			b.WriteString(word)
		}
		if i < len(s) {
			b.WriteByte(s[i])
		}
		start = i + 1
	}
	return b.String()
}

// unusual characters make a segment a value, not a name: escapes, addresses, and what may not stand in a path at all.
func unusual(r rune) bool { return r == '@' || r == '%' || r <= ' ' || r >= 0x7f }

// isVersion recognises v1, v10, v2.1.
func isVersion(s string) bool {
	return len(s) >= 2 && len(s) <= 5 && s[0] == 'v' && strings.Trim(s[1:], "0123456789.") == ""
}

// isNumbered recognises a number behind its one or two letters, as u1627 and c12. Names such as ec2 have fewer digits than
// letters, versions are none.
func isNumbered(word string) bool {
	number := strings.TrimLeft(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	letters := len(word) - len(number)
	return letters >= 1 && letters <= 2 && len(number) >= letters && strings.Trim(number, "0123456789") == "" && !isVersion(word)
}

// isID recognises numbers, hexadecimal strings and random-looking words: letters alone never are ids.
func isID(word string) bool {
	digits, hex := 0, 0
	for i := range len(word) {
		switch c := word[i]; {
		case c >= '0' && c <= '9':
			digits++
			hex++
		case c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F':
			hex++
		}
	}
	switch {
	case digits == 0:
		return false
	case digits == len(word), isNumbered(word):
		return true
	case len(word) >= 8 && hex == len(word):
		return true
	default:
		return len(word) >= 10 && digits >= 3
	}
}

// isUUID recognises 8-4-4-4-12 hexadecimal digits; one part of them may well be letters only.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		dash := i == 8 || i == 13 || i == 18 || i == 23
		isHex := c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
		if dash != (c == '-') || !dash && !isHex {
			return false
		}
	}
	return true
}
