package builtin

import (
	"slices"
	"strings"
	"unicode"
)

// common are words that a question has whatever it is about. Those that ask for a topic are not among them.
var common = strings.Fields(`a an and any are as at be been but by can could did do does for from get got had has have here how i if in into
	is it its just may me more most much my no not of on only or our out over should so some such than that the their them then there these
	they this those to too us very was we were what where which who whom whose why will with would you your about after again all also
	because before between both each few he her him his`)

// sought are the words of a question that tell what it is about, in lower case, each once.
func sought(question string) []string {
	var words []string
	for _, w := range split(question) {
		if len(w) > 1 && !slices.Contains(common, w) && !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return words
}

// hits counts the words that occur in texts, whole and whatever their case.
func hits(words []string, texts ...string) int {
	in := map[string]bool{}
	for _, text := range texts {
		for _, w := range split(text) {
			in[w] = true
		}
	}
	n := 0
	for _, w := range words {
		if in[w] {
			n++
		}
	}
	return n
}

// split cuts a text into words. What holds names together stays within them: a.b, a-b, a_b and a/b are one word, and their parts
// are words, too.
func split(text string) []string {
	var words []string
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-/", r)
	}) {
		w = strings.Trim(w, "._-/")
		parts := strings.FieldsFunc(w, func(r rune) bool { return strings.ContainsRune("._-/", r) })
		if len(parts) > 1 {
			words = append(words, parts...)
		}
		if w != "" {
			words = append(words, w)
		}
	}
	return words
}
