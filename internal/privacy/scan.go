package privacy

import "strings"

// finding is a piece of text that must not leave as it is.
type finding struct {
	from, to int
	kind     string // of a secret or of a pseudonym
	secret   bool
}

// scanner finds, in one pass over a text, what must not leave. It looks at each atom (a run of letters, digits and the
// punctuation of names) and at the bytes around it; what it finds depends on the text alone.
type scanner struct {
	text  string
	hosts map[string]bool // known host names, lower case
	keep  map[string]bool // names that stay, lower case
	own   bool            // our words or the model's: pseudonyms in it are ours
	depth int             // of encodings: percent, base64
	found []finding

	prev, prev2 string // the words before
	prevEnd     int
	named       secretName // of the last "name: X" or "key: X", for the "value:" that follows
	namedAt     int
	runEnd      int // up to here a long run was judged already
	noAt        int // up to here there is no "@"
}

// maxDepth bounds encodings within encodings.
const maxDepth = 3

func (s *scanner) scan() []finding {
	for i := 0; i < len(s.text); {
		if classes[s.text[i]] == 0 {
			i = s.between(i)
			continue
		}
		j, has := i, class(0)
		for j < len(s.text) && classes[s.text[j]] != 0 {
			has |= classes[s.text[j]]
			j++
		}
		next := s.atom(i, j, has)
		if next == j {
			s.prev2, s.prev, s.prevEnd = s.prev, s.text[i:j], j
		}
		i = max(next, i+1)
	}
	return s.found
}

// between steps over a byte that belongs to no atom, and over escape sequences whose letters belong to none either.
func (s *scanner) between(i int) int {
	switch s.text[i] {
	case '\n':
		s.prev, s.prev2 = "", ""
	case '\x1b':
		return afterColour(s.text, i+1)
	case '[':
		if end := removedEnd(s.text, i); end > 0 {
			return end
		}
	case '\\':
		if end := s.windowsHome(i); end > 0 {
			return end
		}
		return afterEscape(s.text, i)
	case ':':
		if end := s.ipv6(i); end > 0 {
			return end
		}
	case '$':
		if end := s.passwordHash(i); end > 0 {
			return end
		}
	}
	return i + 1
}

// removedEnd returns the index after "[secret:<kind>]" at i, or 0.
func removedEnd(text string, i int) int {
	rest, ok := strings.CutPrefix(text[i:min(len(text), i+40)], "[secret:")
	end := strings.IndexByte(rest, ']')
	if !ok || end < 1 || strings.Trim(rest[:end], "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return 0
	}
	return i + len("[secret:") + end + 1
}

// afterEscape returns the index after an escape as it is written out in quoted text: \n, \u001b, \x1b.
func afterEscape(text string, i int) int {
	from := i
	for i < len(text) && text[i] == '\\' {
		i++
	}
	if i == len(text) {
		return i
	}
	switch c := text[i]; {
	case c == 'u' && hexRun(text, i+1) >= 4:
		return afterColour(text, i+5)
	case c == 'x' && hexRun(text, i+1) >= 2:
		return afterColour(text, i+3)
	case strings.IndexByte("ntrbfve0", c) >= 0 && !folder(text, from):
		if c == '0' && strings.HasPrefix(text[i:], "033") {
			return afterColour(text, i+3)
		}
		return i + 1
	}
	return i
}

// folder tells whether a backslash belongs to a path of Windows rather than to an escape: C:\new, \\nas\tank.
func folder(text string, from int) bool {
	start := max(0, from-64)
	for k := from - 1; k >= start; k-- {
		switch c := text[k]; {
		case c == ':' && k > 0 && isUpper(text[k-1]) && (k == 1 || !alphanumeric(text[k-2])):
			return true
		case classes[c] == 0 && c != '\\':
			return false
		}
	}
	return false
}

// afterColour steps over the rest of a terminal sequence such as "[1;32m".
func afterColour(text string, i int) int {
	if i >= len(text) || text[i] != '[' {
		return min(i, len(text))
	}
	j := i + 1
	for j < len(text) && (isDigit(text[j]) || text[j] == ';') {
		j++
	}
	if j < len(text) && isLetter(text[j]) {
		return j + 1
	}
	return i
}

func hexRun(text string, i int) (n int) {
	for i+n < len(text) && n < 4 && isHex(text[i+n]) {
		n++
	}
	return n
}

// atom looks at the atom [i, j) and returns where to go on: j, unless something longer was dealt with.
func (s *scanner) atom(i, j int, has class) int {
	if s.text[i] == '-' && strings.HasPrefix(s.text[i:], "-----BEGIN ") {
		return s.pem(i)
	}
	if end := s.keyed(i, j); end > 0 {
		return end
	}
	if j < len(s.text) {
		switch s.text[j] {
		case ':':
			if end := s.colon(i, j, has); end > 0 {
				return end
			}
		case '@':
			if end := s.at(i, j); end > 0 {
				return end
			}
		}
	}
	if end := s.command(i, j); end > 0 {
		return end
	}
	if end := s.person(i, j); end > 0 {
		return end
	}
	if j-i >= minVendor {
		if end := s.long(i, j, has); end > 0 {
			return end
		}
	}
	s.named1(i, j, has)
	return j
}

// named1 looks for addresses, hosts and pseudonym look-alikes in an atom.
func (s *scanner) named1(i, j int, has class) {
	if has&dot != 0 && has&digit != 0 && s.ipv4s(i, j) {
		return
	}
	if s.host(i, j, has) {
		return
	}
	if has&dash != 0 && has&digit != 0 && !s.own {
		s.lookalikes(i, j)
	}
}

// lookalikes marks what the text itself holds in the form of a pseudonym: it gets one, and so cannot be taken for one.
func (s *scanner) lookalikes(i, j int) {
	for k := i; k < j; k++ {
		if s.text[k] != '-' {
			continue
		}
		if from, to, ok := pseudonymAt(s.text[:j], k); ok && from >= i {
			kind, _ := kindBefore(s.text[:k])
			s.pseudonym(from, to, kind)
			k = to - 1
		}
	}
}

func (s *scanner) secret(from, to int, kind string) {
	if to > from {
		s.found = append(s.found, finding{from, to, kind, true})
	}
}

// pseudonym marks a name, unless it has to stay or is a pseudonym of ours already.
func (s *scanner) pseudonym(from, to int, kind string) {
	name := s.text[from:to]
	if s.own && isPseudonym(name) || s.keep[strings.ToLower(name)] {
		return
	}
	s.found = append(s.found, finding{from, to, kind, false})
}
