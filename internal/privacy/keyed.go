package privacy

import "strings"

// join is how a name and its value are held together.
type join int

const (
	apart  join = iota
	equals      // name=value, name := value, name => value, <name>value
	colon       // name: value, "name":"value"
	flag        // --name value
	spaced      // name 'value', as in SQL
)

const (
	maxGap   = 16   // spaces between a name and its value
	maxValue = 4096 // bytes of a value without quotes
	maxQuote = 1 << 16
)

// keyed deals with the value of a name that has one and returns where to go on, or 0.
func (s *scanner) keyed(i, j int) int {
	v, how, blank := s.joined(i, j)
	if how == apart {
		return 0
	}
	name := s.text[i:j]
	strength := nameOf(name)
	if strength == noSecret || blank && strength != beside {
		return 0
	}
	if how == flag || how == spaced {
		if strength != certain && (strength != maybe && strength != userName || how == spaced) {
			return 0
		}
	}
	switch strength {
	case wholeLine:
		return s.header(name, v, how)
	case userName:
		return s.userValue(v, how)
	case namedValue:
		s.remember(v)
		return 0
	case beside:
		if s.named == noSecret || i-s.namedAt > maxBeside {
			return 0
		}
		strength, s.named = s.named, noSecret
		return s.value(name, "secret", v, how, strength)
	}
	return s.value(name, kindOf(name), v, how, strength)
}

// maxBeside is how far a "value" may be from its "name".
const maxBeside = 96

// remember keeps what a "name: DB_PASSWORD" says about the "value" that follows.
func (s *scanner) remember(v int) {
	from, _ := skipQuote(s.text, v)
	to := from
	for to < len(s.text) && to-from < 80 && (alphanumeric(s.text[to]) || strings.IndexByte("._-", s.text[to]) >= 0) {
		to++
	}
	s.named, s.namedAt = noSecret, to
	if k := nameOf(s.text[from:to]); k == certain || k == maybe {
		s.named = k
	} else if k == wholeLine {
		s.named = certain
	}
}

// joined finds the value of the name [i, j): where it starts, how it is joined, and whether it is left blank ("user= host=x").
func (s *scanner) joined(i, j int) (v int, how join, blank bool) {
	t, k := s.text, j
	for k < len(t) && k-j < 8 && (t[k] == '\\' || isQuote(t[k]) || t[k] == ']') {
		k++
	}
	closed := k
	for k < len(t) && k-closed < maxGap && isSpace(t[k]) {
		k++
	}
	if k == len(t) {
		return 0, apart, false
	}
	gap := k > closed
	switch c := t[k]; {
	case c == '=' || c == ':' && strings.HasPrefix(t[k:], ":="):
		how, k = equals, k+1
		for k < len(t) && (t[k] == '=' || t[k] == '>') {
			k++
		}
	case c == ':':
		if strings.HasPrefix(t[k:], "://") || strings.HasPrefix(t[k:], "::") {
			return 0, apart, false
		}
		how, k = colon, k+1
	case c == '>' && i > 0 && t[i-1] == '<' && k == j:
		return k + 1, equals, k+1 == len(t) || t[k+1] == '<'
	case t[i] == '-' && closed == j && gap:
		return k, flag, t[k] == '-'
	case t[i] == '-' && closed > j && c == ',': // "--password", "x"
		for k++; k < len(t) && isSpace(t[k]); k++ {
		}
		return k, flag, false
	case c == '\'' && gap && closed == j:
		return k, spaced, false
	default:
		return 0, apart, false
	}
	start := k
	for k < len(t) && k-start < maxGap && isSpace(t[k]) {
		k++
	}
	blank = k == len(t) || lineEnd(t[k]) || how == equals && k > start && !gap && closed == j
	return k, how, blank
}

// value marks the value of a secret's name and returns where to go on, or 0 when it is none.
func (s *scanner) value(name, kind string, v int, how join, strength secretName) int {
	from, to, quoted := valueAt(s.text, v, how)
	val := s.text[from:to]
	if removedEnd(s.text, v) > 0 || placeholder(val) {
		return 0
	}
	if !quoted && (code(val) || declared(s.text, v)) {
		return 0
	}
	if strength == certain || upperName(name) && how == equals && !hump(name, "key") {
		if workingDirectory(name, val) || !quoted && how != equals && naturalWord(val) {
			return 0
		}
	} else if !looksSecret(name, val) {
		return 0
	}
	s.secret(from, to, kind)
	return to
}

// code tells whether a value is an expression of a program: read(…), os.Getenv("…".
func code(val string) bool {
	i := 0
	for i < len(val) && (isLetter(val[i]) || val[i] == '.' || val[i] == '_') {
		i++
	}
	return i > 0 && i < len(val) && val[i] == '('
}

// declared tells whether a value follows ":=", which belongs to programs.
func declared(t string, v int) bool {
	return strings.HasSuffix(strings.TrimRight(t[max(0, v-4):v], " "), ":=")
}

// workingDirectory: PWD names one in an environment.
func workingDirectory(name, val string) bool {
	return strings.HasSuffix(name, "PWD") && strings.HasPrefix(val, "/")
}

func upperName(name string) bool {
	return strings.ToUpper(name) == name && strings.IndexByte(name, '_') >= 0
}

// valueAt returns the bounds of a value: within its quotes or brackets, or as far as one without them goes.
func valueAt(t string, v int, how join) (from, to int, quoted bool) {
	if from, quote := skipQuote(t, v); quote != 0 {
		return from, quoteEnd(t, from, quote, from-1-v), true
	}
	if v < len(t) && t[v] == '[' {
		end := strings.IndexByte(t[v:min(len(t), v+maxValue)], ']')
		if end > 0 {
			return v + 1, v + end, true
		}
	}
	return v, bareEnd(t, v, how), false
}

// skipQuote steps over an opening quote, escaped or not, and tells which it was.
func skipQuote(t string, v int) (from int, quote byte) {
	k := v
	for k < len(t) && k-v < 8 && t[k] == '\\' {
		k++
	}
	if k < len(t) && isQuote(t[k]) {
		return k + 1, t[k]
	}
	return v, 0
}

// quoteEnd finds the closing quote that has as many backslashes as the opening one; a value that is never closed ends
// with its line, or its text.
func quoteEnd(t string, from int, quote byte, slashes int) int {
	run := 0
	limit := min(len(t), from+maxQuote)
	for k := from; k < limit; k++ {
		switch {
		case t[k] == '\\':
			run++
			continue
		case t[k] == quote && (run == slashes || slashes == 0 && run%2 == 0 || run < slashes):
			return k - run
		}
		run = 0
	}
	if end := strings.IndexByte(t[from:limit], '\n'); end >= 0 {
		return from + end
	}
	return limit
}

// bareEnd finds where a value without quotes ends. A comma or semicolon ends it only when another name follows: passwords
// hold them too.
func bareEnd(t string, v int, how join) int {
	limit := min(len(t), v+maxValue)
	k := v
loop:
	for ; k < limit; k++ {
		switch c := t[k]; {
		case c <= ' ', isQuote(c), c == '&', c == '\\' && k+1 < limit && strings.IndexByte("nrt\"'\\", t[k+1]) >= 0:
			break loop
		case c == '<' && how == equals && k > v && strings.HasPrefix(t[k:], "</"):
			break loop
		case (c == ',' || c == ';' || c == '|') && anotherName(t[k+1:]):
			break loop
		}
	}
	for k > v && strings.IndexByte(")]}>,;.", t[k-1]) >= 0 {
		k--
	}
	return k
}

// anotherName tells whether a list goes on with "name=" or "name:", or ends.
func anotherName(t string) bool {
	k := 0
	for k < len(t) && (isSpace(t[k]) || isQuote(t[k])) {
		k++
	}
	if k == len(t) || lineEnd(t[k]) || k > 0 {
		return true
	}
	for k < len(t) && k < 48 && (alphanumeric(t[k]) || strings.IndexByte("_-. ", t[k]) >= 0) {
		k++
	}
	return k > 0 && k < len(t) && (t[k] == '=' || t[k] == ':')
}
