package spoken

import (
	"regexp"
	"slices"
	"strings"
)

var (
	name   = regexp.MustCompile(`[A-Za-z0-9][A-Za-z0-9_.\-]*`)
	quoted = regexp.MustCompile("[\"'`“‘]([A-Za-z0-9][A-Za-z0-9_.\\-]{0,99})[\"'`”’]")
)

// Services finds the names of known services in a question, whole words whatever their case, in the order in which they are
// mentioned; and what is quoted like a name there and is none.
func Services(question string, known []string) (found, unknown []string) {
	spelled := map[string]string{}
	for _, k := range known {
		spelled[strings.ToLower(k)] = k
	}
	for _, word := range name.FindAllString(question, -1) {
		word = strings.TrimRight(word, ".-_")
		if k, ok := spelled[strings.ToLower(word)]; ok && !slices.Contains(found, k) {
			found = append(found, k)
		}
	}
	for _, m := range quoted.FindAllStringSubmatch(question, -1) {
		if _, ok := spelled[strings.ToLower(m[1])]; !ok && !slices.Contains(unknown, m[1]) {
			unknown = append(unknown, m[1])
		}
	}
	return found, unknown
}
