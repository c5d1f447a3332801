package privacy

import "strings"

// placeholder tells whether a value says that there is none, or stands for one: it is worth showing.
func placeholder(v string) bool {
	v = strings.TrimSpace(v)
	if v == "" || strings.Trim(v, "*") == "" || strings.Trim(v, "xX") == "" || strings.Trim(v, ".-_#•?") == "" {
		return true
	}
	switch c := v[0]; {
	case removedEnd(v, 0) == len(v), strings.HasPrefix(v, "${"), strings.HasPrefix(v, "$("), strings.HasPrefix(v, "{{"):
		return true
	case c == '<' && strings.IndexByte(v, '>') > 0, c == '{', c == '%' && len(v) == 2, c == '(' && v[len(v)-1] == ')':
		return true
	case c == '$' && len(v) > 1 && (isLetter(v[1]) || v[1] == '_' || isDigit(v[1]) && len(v) == 2) && strings.Count(v, "$") == 1:
		return strings.Trim(v[1:], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == ""
	}
	if len(v) > 12 {
		return false
	}
	switch strings.ToLower(v) {
	case "null", "nil", "none", "undefined", "true", "false", "yes", "no", "redacted", "[redacted]", "masked", "hidden", "filtered",
		"[filtered]", "omitted", "n/a", "string", "<nil>", "[hidden]", "empty", "unset", "0", "1":
		return true
	}
	return false
}

// naturalWords follow "password:" in messages about passwords.
var naturalWords = set("invalid incorrect required missing expired failed failure fail authentication auth must not the for is was wrong " +
	"cannot too has have should may can be a an no ok empty blank mismatch mismatched changed reset updated unset set please " +
	"rejected denied accepted disabled enabled length does did error user unknown unable expected found bad check checking " +
	"verification verified correct login with from and or to in on at of by if it this that your you provide provided given " +
	"needs need could would will using use used via policy hash hashes hashing field fields supplied")

func naturalWord(v string) bool {
	return naturalWords[strings.ToLower(strings.TrimRight(v, ".,!?;:"))]
}

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// looksSecret judges the value of a name that can also mean something harmless: a token that is "expired" is none.
func looksSecret(name, v string) bool {
	if len(v) > maxValue {
		return true
	}
	digits, letters, other, mixed := tally(v)
	switch {
	case digits == len(v):
		return (hasEnding(squash(name), shortNumbers) && len(v) >= 3 && len(v) <= 8) || len(v) >= 20
	case hump(name, "key"):
		return len(v) >= 16 && digits > 0 && letters > 0 && other == 0 && wordy(v) < 0.5
	case strings.HasPrefix(v, "0x"), strings.HasPrefix(v, "SCRAM-"), strings.Contains(v, " "), strings.HasPrefix(v, "/"), strings.HasPrefix(v, "http"):
		return false
	case len(v) >= 6 && digits > 0 && letters > 0 && wordy(v) < 0.6:
		return true
	}
	return len(v) >= 16 && mixed && wordy(v) < 0.5
}

var shortNumbers = byLast("otp", "pin", "pincode", "cvv", "mfacode")

func tally(v string) (digits, letters, other int, mixed bool) {
	up, low := 0, 0
	for i := range len(v) {
		switch c := v[i]; {
		case isDigit(c):
			digits++
		case isUpper(c):
			up++
		case isLower(c):
			low++
		case strings.IndexByte("+/=_-", c) < 0:
			other++
		}
	}
	return digits, up + low, other, up > 0 && low > 0
}

// wordy is the part of a text that could be words: runs of at least four letters of one case (a capital may lead) with a
// vowel among them and no long heap of consonants.
func wordy(v string) float64 {
	if v == "" {
		return 1
	}
	in := 0
	for i := 0; i < len(v); {
		if !isLetter(v[i]) {
			i++
			continue
		}
		j := i + 1
		if isUpper(v[i]) && j < len(v) && isUpper(v[j]) {
			for j < len(v) && isUpper(v[j]) {
				j++
			}
			if j < len(v) && isLower(v[j]) && j-i > 1 {
				j-- // HTTPServer: the S begins the next
			}
		} else {
			for j < len(v) && isLower(v[j]) {
				j++
			}
		}
		if j-i >= 4 && pronounceable(v[i:j]) {
			in += j - i
		}
		i = j
	}
	return float64(in) / float64(len(v))
}

func pronounceable(word string) bool {
	vowels, run, worst := 0, 0, 0
	for i := range len(word) {
		if strings.IndexByte("aeiouy", word[i]|0x20) >= 0 {
			vowels++
			run = 0
			continue
		}
		run++
		worst = max(worst, run)
	}
	return vowels > 0 && worst <= 4
}
