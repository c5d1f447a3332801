package privacy

import "strings"

// command marks a secret that follows a word without a sign between them, and returns where to go on, or 0:
// IDENTIFIED BY 'x', AUTH x, requirepass x, mysql -px, redis-cli -a x, api key "x", "password is x".
func (s *scanner) command(i, j int) int {
	word := s.text[i:j]
	switch word {
	case "AUTH", "requirepass", "masterauth", "BY", "by", "is", "was", "to", "-a", "-p", "key":
	default:
		if strings.HasPrefix(word, "-p") && len(word) >= 6 && strings.Contains(s.before(i, 80), "mysql") {
			s.secret(i+2, bareEnd(s.text, i+2, flag), "password")
			return bareEnd(s.text, i+2, flag)
		}
		return 0
	}
	v := s.afterGap(j)
	if v == 0 {
		return 0
	}
	from, to, quoted := valueAt(s.text, v, flag)
	val := s.text[from:to]
	if placeholder(val) || strings.HasPrefix(s.text[v:], "[") {
		return 0
	}
	digits, _, _, _ := tally(val)
	switch word {
	case "AUTH":
		if digits == 0 && len(val) < 12 || naturalWord(val) {
			return 0
		}
	case "BY", "by":
		if !quoted || !strings.EqualFold(s.prev, "identified") {
			return 0
		}
	case "-a", "-p":
		if s.prev != "redis-cli" && s.prev != "sshpass" {
			return 0
		}
	case "key":
		if p := strings.ToLower(s.prev); p != "api" && p != "access" && p != "secret" || !quoted && (digits < 2 || wordy(val) > 0.5) || len(val) < 8 {
			return 0
		}
	case "is", "was", "to":
		if !strings.Contains(strings.ToLower(s.before(i, 48)), "passw") || naturalWord(val) || !quoted && (digits == 0 || wordy(val) > 0.9) {
			return 0
		}
	}
	s.secret(from, to, "password")
	return to
}

// before returns what stands before i in its line, at most n bytes.
func (s *scanner) before(i, n int) string {
	t := s.text[max(0, i-n):i]
	return t[strings.LastIndexByte(t, '\n')+1:]
}

// afterGap returns where the next word begins, after a closing quote and blanks, or 0 if there is none in this line.
func (s *scanner) afterGap(j int) int {
	k := j
	for k < len(s.text) && (isQuote(s.text[k]) || s.text[k] == '\\') && k-j < 4 {
		k++
	}
	gap := k
	for k < len(s.text) && isSpace(s.text[k]) && k-gap < maxGap {
		k++
	}
	if k == gap || k == len(s.text) || lineEnd(s.text[k]) {
		return 0
	}
	return k
}

// telegram marks a bot's token: its number, a colon, 35 characters.
func (s *scanner) telegram(i, j int) int {
	if j-i < 8 || j-i > 10 || !digitsOnly(s.text[i:j]) {
		return 0
	}
	if n := tokenLen(s.text[j+1:], false); n != 35 {
		return 0
	}
	s.secret(i, j+36, "telegram-token")
	return j + 36
}
