package privacy

import "strings"

// schemes of the Authorization header. After the long ones everything up to the end of the line is theirs.
var (
	schemes     = set("bearer basic token apikey api-key negotiate ntlm hawk key")
	longSchemes = set("digest oauth aws4-hmac-sha256 signature sharedkey hmac")
)

// header marks the value of a header that carries credentials, but not its scheme.
func (s *scanner) header(name string, v int, how join) int {
	if removedEnd(s.text, v) > 0 {
		return 0
	}
	cookie := strings.Contains(squash(name), "cookie")
	from, to, quoted := valueAt(s.text, v, how)
	if !quoted && (cookie || s.scheme(from) != "") {
		to = headerEnd(s.text, from)
	}
	val := s.text[from:to]
	if placeholder(val) {
		return 0
	}
	if cookie {
		if !quoted && !strings.Contains(val, "=") && !looksSecret("token", val) {
			return 0
		}
		s.secret(from, to, "cookie")
		return to
	}
	if scheme := s.scheme(from); scheme != "" {
		from += len(scheme)
		for from < to && isSpace(s.text[from]) {
			from++
		}
		if !quoted && schemes[strings.ToLower(scheme)] {
			to = bareEnd(s.text, from, equals)
		}
		if removedEnd(s.text, from) > 0 || placeholder(s.text[from:max(from, to)]) {
			return 0
		}
	} else if !quoted && (naturalWord(val) || !looksSecret("token", val)) {
		return 0
	}
	if to <= from {
		return 0
	}
	s.secret(from, to, kindOf(name))
	return to
}

// scheme returns the authentication scheme that stands at i, if one does.
func (s *scanner) scheme(i int) string {
	j := i
	for j < len(s.text) && j-i < 24 && (alphanumeric(s.text[j]) || s.text[j] == '-') {
		j++
	}
	word := strings.ToLower(s.text[i:j])
	if j < len(s.text) && isSpace(s.text[j]) && (schemes[word] || longSchemes[word]) {
		return s.text[i:j]
	}
	return ""
}

// headerEnd is where a header's line ends: a line end, real or written, or the quote that the line stands in.
func headerEnd(t string, i int) int {
	for ; i < len(t); i++ {
		if c := t[i]; lineEnd(c) || c == '"' || c == '\'' && (i+1 == len(t) || !alphanumeric(t[i+1])) ||
			c == '\\' && i+1 < len(t) && strings.IndexByte("nr\"\\", t[i+1]) >= 0 {
			break
		}
	}
	return i
}
