package privacy

import "strings"

// unitEndings are what systemd's template instances end with: they are no domains.
var unitEndings = set("service socket timer mount slice scope target device path swap automount")

// at deals with the atom [i, j) before an "@": an e-mail address, or a user at an address. It returns where to go on, or 0.
func (s *scanner) at(i, j int) int {
	t := s.text
	for i < j && classes[t[i]]&(dot|dash|percent) != 0 {
		i++
	}
	end := j + 1
	for end < len(t) && classes[t[end]]&(lower|upper|digit|dot|dash|high) != 0 && t[end] != '+' && t[end] != '~' {
		end++
	}
	end = j + 1 + len(strings.TrimRight(t[j+1:end], ".-_"))
	domain := t[j+1 : max(end, j+1)]
	if i == j || domain == "" || isPseudonym(t[i:j]) && s.own {
		return 0
	}
	if mailDomain(domain) {
		if t[i:j] == "git" && end < len(t) && (t[end] == ':' || t[end] == '/') {
			return 0
		}
		s.pseudonym(i, end, KindEmail)
		return end
	}
	if personal(t[i:j]) && !program(t[i:j]) && (ipv4End(domain+" ", 0) == len(domain) || s.hosts[strings.ToLower(domain)]) {
		s.pseudonym(i, j, KindUser)
		return j
	}
	return 0
}

// mailDomain tells whether a domain can take mail: two labels or more, the last one of letters.
func mailDomain(d string) bool {
	last := strings.LastIndexByte(d, '.')
	if last < 1 || len(d)-last-1 < 2 || len(d) > 253 || strings.Contains(d, "..") {
		return false
	}
	tld := d[last+1:]
	for i := range len(tld) {
		if !isLetter(tld[i]) && tld[i] < 0x80 && !strings.HasPrefix(tld, "xn--") {
			return false
		}
	}
	return !unitEndings[tld]
}

// encodedEmail marks e-mail addresses in an atom that holds "%40" for the "@".
func (s *scanner) encodedEmail(i, j int) bool {
	at := strings.Index(s.text[i:j], "%40")
	if at < 1 || !mailDomain(s.text[i+at+3:j]) || strings.Contains(s.text[i:i+at], "%") {
		return false
	}
	s.pseudonym(i, j, KindEmail)
	return true
}
