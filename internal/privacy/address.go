package privacy

import (
	"net/netip"
	"strings"
)

// ipv4s marks the IPv4 addresses of an atom and tells whether there was one.
func (s *scanner) ipv4s(i, j int) bool {
	any := false
	for k := i; k < j; k++ {
		if !isDigit(s.text[k]) {
			continue
		}
		end := ipv4End(s.text[:j], k)
		if end > 0 && s.freestanding(i, k, end) && !s.version(k, end) {
			any = true
			if !plainIPv4(s.text[k:end]) {
				s.pseudonym(k, end, KindIP)
			}
		}
		for k+1 < j && (isDigit(s.text[k+1]) || s.text[k+1] == '.') {
			k++
		}
	}
	return any
}

// ipv4End returns the index after the four numbers that start at i, or 0.
func ipv4End(t string, i int) int {
	k := i
	for part := range 4 {
		start, n := k, 0
		for k < len(t) && isDigit(t[k]) && k-start < 3 {
			n = n*10 + int(t[k]-'0')
			k++
		}
		if k == start || n > 255 {
			return 0
		}
		if part == 3 {
			return k
		}
		if k == len(t) || t[k] != '.' {
			return 0
		}
		k++
	}
	return 0
}

// freestanding tells whether the numbers are neither part of a longer version or object id nor of a word.
func (s *scanner) freestanding(atom, from, to int) bool {
	t := s.text
	if from > atom && (alphanumeric(t[from-1]) || t[from-1] == '.' && from > 1 && isDigit(t[from-2])) {
		return false
	}
	if to == len(t) {
		return true
	}
	return !alphanumeric(t[to]) && (t[to] != '.' || to+1 == len(t) || !alphanumeric(t[to+1]))
}

// products whose version has the form of an address.
var products = set("chrome chromium safari firefox edg edge opr opera applewebkit version mobile headlesschrome samsungbrowser " +
	"crios fxios trident gecko release ver v")

// version tells whether four numbers are the version of something: Chrome/120.0.0.0, "version 1.2.3.4".
func (s *scanner) version(from, to int) bool {
	word := s.prev
	if from > 0 && s.text[from-1] != '/' && from-s.prevEnd > 3 {
		return false
	}
	return products[strings.ToLower(word)] || from > 1 && s.text[from-1] == '/' && alphanumeric(s.text[from-2]) &&
		strings.HasSuffix(s.text[from:to], ".0.0.0")
}

// plainIPv4 tells whether an address says nothing about anybody: loopback, unspecified, broadcast, multicast, and the
// metadata service of clouds.
func plainIPv4(ip string) bool {
	return strings.HasPrefix(ip, "127.") || ip == "0.0.0.0" || ip == "255.255.255.255" || strings.HasPrefix(ip, "224.0.") ||
		ip == "169.254.169.254"
}

// ipv6 marks the IPv6 address around a colon at i and returns the index after it, or 0.
func (s *scanner) ipv6(i int) int {
	t, from := s.text, i
	for from > 0 && i-from < 5 && isHex(t[from-1]) {
		from--
	}
	to, colons := i, 0
	for to < len(t) && to-from < 46 && (isHex(t[to]) || t[to] == ':' || t[to] == '.') {
		if t[to] == ':' {
			colons++
		}
		to++
	}
	if colons < 2 || from > 0 && (alphanumeric(t[from-1]) || t[from-1] == ':' || t[from-1] == '.' || t[from-1] == '-') {
		return 0
	}
	to = from + len(strings.TrimRight(t[from:to], ".:"))
	if strings.HasPrefix(t[to:], "::") {
		to += 2
	}
	if to < len(t) && (alphanumeric(t[to]) || t[to] == '-' || t[to] == ':' && to+1 < len(t) && isHex(t[to+1])) {
		return 0
	}
	text := t[from:to]
	if !strings.ContainsAny(text, "0123456789") || len(text) < 3 {
		return 0
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is6() {
		return 0
	}
	if !addr.IsLoopback() && !addr.IsUnspecified() && !addr.IsMulticast() {
		s.pseudonym(from, to, KindIP)
	}
	return to
}
