package tools

import (
	"strings"
)

// Lengths that the indexes of the table logs go by (docs/schema.md).
const (
	shortestWord = 3
	shortestID   = 12
	gramLength   = 6
)

// indexed is what a line that contains text is known to have in the table's indexes: whole words, and pieces of long ids. What is at the
// edge of text may be a part of a longer word, so it is no whole one.
func indexed(text string) (words, grams []string) {
	text = strings.ToLower(text)
	within := func(is func(byte) bool, see func(run string, whole bool)) {
		for from := 0; from < len(text); {
			to := from
			for to < len(text) && is(text[to]) {
				to++
			}
			if to > from {
				see(text[from:to], from > 0 && to < len(text))
			}
			from = to + 1
		}
	}
	within(letter, func(run string, whole bool) {
		if whole && len(run) >= shortestWord {
			words = append(words, run)
		}
	})
	within(func(c byte) bool { return letter(c) || c >= '0' && c <= '9' }, func(run string, _ bool) {
		for i := 0; len(run) >= shortestID && i+gramLength <= len(run); i++ {
			grams = append(grams, run[i:i+gramLength])
		}
	})
	return words, grams
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' }

// byIndex is the condition that goes with indexed, to be added to the one that looks into the lines.
func byIndex(text string) (condition string, params []param) {
	words, grams := indexed(text)
	if len(words) > 0 {
		condition += " AND hasAll(words, {words:Array(String)})"
		params = append(params, param{"words", words})
	}
	if len(grams) > 0 {
		condition += " AND hasAll(grams, {grams:Array(String)})"
		params = append(params, param{"grams", grams})
	}
	return condition, params
}
