package privacy

import "strings"

// minRandom is the shortest token that is taken for a secret by its looks alone.
const minRandom = 20

// long looks at an atom that is long enough to be a token, and returns where to go on, or 0.
func (s *scanner) long(i, j int, has class) int {
	if has&percent != 0 {
		if s.encodedEmail(i, j) {
			return j
		}
		if s.percentEncoded(i, j) { // what it holds was judged
			return j
		}
	}
	for k := i; k < j; k++ { // a token may be glued to a name: "key-AKIA…"
		if k > i && (alphanumeric(s.text[k-1]) || j-k < minVendor) {
			continue
		}
		if n := jwt(s.text[k:j]); n > 0 {
			s.secret(k, k+n, "jwt")
			return j
		}
		if kind := secretPrefix(s.text[k:j]); kind != "" {
			s.secret(k, s.padded(j), kind)
			return s.padded(j)
		}
	}
	if s.credential(i) {
		end := s.padded(s.runOf(i))
		s.secret(i, end, "authorization")
		return end
	}
	if has&high != 0 || strings.HasPrefix(s.text[i:j], "_Z") || s.digest(i) {
		return 0
	}
	return s.unknown(i, j)
}

// unknown judges a run that no form is known of: by what it decodes to, then by its looks.
func (s *scanner) unknown(i, j int) int {
	end := j
	if i >= s.runEnd && (i == 0 || s.text[i-1] != '/' && s.text[i-1] != '.') {
		end = s.runOf(i)
		s.runEnd = end
	}
	if end > j && random(s.text[i:end]) {
		end = s.padded(end)
		s.secret(i, end, "entropy")
		return end
	}
	if s.base64Encoded(i, s.padded(end)) {
		return s.padded(end)
	}
	from := i
	for from < j {
		to := from
		for to < j && s.text[to] != '.' {
			to++
		}
		if random(s.text[from:to]) {
			if to == j {
				to = s.padded(j)
			}
			s.secret(from, to, "entropy")
			if to >= j {
				return to
			}
		}
		from = to + 1
	}
	return 0
}

// runOf returns where the run of base64 that starts at i ends: atoms and the slashes between them.
func (s *scanner) runOf(i int) int {
	k := i
	for k < len(s.text) && k-i < maxValue && (classes[s.text[k]]&(lower|upper|digit|dash) != 0 || s.text[k] == '/') {
		k++
	}
	return k
}

// padded steps over base64's padding.
func (s *scanner) padded(j int) int {
	k := j
	for k < len(s.text) && k-j < 2 && s.text[k] == '=' {
		k++
	}
	if k < len(s.text) && (alphanumeric(s.text[k]) || s.text[k] == '=') {
		return j
	}
	return k
}

// credential tells whether the word before says that a token follows: "Bearer x".
func (s *scanner) credential(i int) bool {
	if i == 0 || s.prevEnd+1 != i || !isSpace(s.text[i-1]) {
		return false
	}
	word := strings.ToLower(s.prev)
	return (word == "bearer" || word == "basic") && wordy(s.text[i:s.runOf(i)]) < 0.6
}

// digest tells whether the token is named as the digest of something: sha512-…, SHA256:….
func (s *scanner) digest(i int) bool {
	t := strings.ToLower(s.text[max(0, i-7):min(len(s.text), i+7)])
	return strings.Contains(t, "sha256:") || strings.Contains(t, "sha256-") || strings.Contains(t, "sha512:") ||
		strings.Contains(t, "sha512-") || strings.Contains(t, "sha1-") || strings.Contains(t, "sha384-") || strings.HasPrefix(t, "sha1:")
}

// random tells whether a token looks drawn rather than written. It looks at the whole and at each part between dashes.
// Left alone are UUIDs, hex of the lengths of usual ids and digests, ULIDs, and whatever is mostly pronounceable.
func random(t string) bool {
	if len(t) < minRandom || identifier(t) {
		return false
	}
	if drawn(t) {
		return true
	}
	if len(t) > maxValue {
		return false
	}
	for part := range strings.FieldsFuncSeq(t, func(r rune) bool { return strings.ContainsRune("-_+~/", r) }) {
		if len(part) >= minRandom && len(part) < len(t) && !identifier(part) && drawn(part) {
			return true
		}
	}
	return false
}

// drawn judges by letters, cases and digits: two cases and digits from 20 bytes on, one case with digits from 24.
func drawn(t string) bool {
	digits, low, up, turns, marks := 0, 0, 0, 0, 0
	var seen [256]bool
	distinct := 0
	for i := range len(t) {
		c := t[i]
		if !seen[c] {
			seen[c] = true
			distinct++
		}
		switch {
		case isDigit(c):
			digits++
		case isLower(c):
			low++
		case isUpper(c):
			up++
		default:
			marks++
			continue
		}
		if i > 0 && isDigit(c) != isDigit(t[i-1]) {
			turns++
		}
	}
	if strings.Contains(strings.ToLower(t), "abcdefghijklm") {
		return false // an alphabet
	}
	if distinct < 10 || marks*4 > len(t) || digits == 0 {
		return false
	}
	if low > 0 && up > 0 {
		return digits+min(low, up) >= 5 && min(low, up) >= 2 && wordy(t) < 0.45
	}
	return len(t) >= 24 && marks == 0 && turns >= 5 && digits >= 3 && wordy(t) < 0.4
}

// identifier tells whether a token is one of the ids that telemetry is full of.
func identifier(t string) bool {
	if ulid(t) {
		return true
	}
	for t != "" { // UUIDs, traceparent, blockmgr-<uuid>, names of pods: every part is hex of a usual length, a word, or short
		end := strings.IndexAny(t, "-_")
		if end < 0 {
			end = len(t)
		}
		if part := t[:end]; !usualHex(part) && !oneWord(part) && (len(part) > 10 || !oneCase(part)) {
			return false
		}
		t = t[min(len(t), end+1):]
	}
	return true
}

func oneCase(t string) bool {
	return strings.ToLower(t) == t || strings.ToUpper(t) == t
}

// oneWord tells whether a part of an id is letters of one case, and few.
func oneWord(t string) bool {
	if len(t) > 20 {
		return false
	}
	for i := range len(t) {
		if !isLetter(t[i]) || i > 1 && isUpper(t[i]) != isUpper(t[i-1]) {
			return false
		}
	}
	return true
}

// usualHex are the lengths of hex ids: anything up to a span id, object ids, trace ids and MD5, SHA-1, SHA-224, SHA-256,
// SHA-384, SHA-512.
func usualHex(t string) bool {
	for i := range len(t) {
		if !isHex(t[i]) {
			return false
		}
	}
	switch len(t) {
	case 24, 32, 40, 56, 64, 96, 128:
		return true
	}
	return len(t) <= 20
}

func ulid(t string) bool {
	if len(t) != 26 || t[0] < '0' || t[0] > '7' {
		return false
	}
	for i := range len(t) {
		if c := t[i]; !isDigit(c) && !isUpper(c) || strings.IndexByte("ILOU", c) >= 0 {
			return false
		}
	}
	return true
}
