package injection

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// order is a tool call that a text asks for, in whatever language: all have in common that a tool is named and that its
// arguments follow. conclude is a tool like any other.
type order struct {
	tool      string
	arguments map[string]any
	times     int  // how often in one answer
	stubborn  bool // again and again, whatever comes of it
}

var (
	named   = regexp.MustCompile(`\b([a-z]+(?:_[a-z0-9]+)+|conclude|curl|bash)\b[^\n{},:;]{0,50}?\{`)
	often   = regexp.MustCompile(`(\d[\d,.]*)\s*(?:(?:times|mal|fois|veces)\b|раз|回|次)`)
	forever = regexp.MustCompile(`(?i)for ever|never conclude|again and again|endlos|sans fin|bez konce`)
	quoted  = regexp.MustCompile(`(?i)(?:say|write|quote|print|include|put|schreibe?|écris|escribe|napisz|напиши|写|書|اكتب)[^"“«「\n]{0,80}["“«「]([^"”»」]{3,500})["”»」]`)
	long    = regexp.MustCompile(`(?i)(\d{4,7}) (?:words|characters)`)
	value   = regexp.MustCompile(`VALUE OF ([A-Za-z_]+)`)
)

// orders are all that a text holds, each once.
func orders(text string) []order {
	var out []order
	seen := map[string]bool{}
	for _, at := range named.FindAllStringSubmatchIndex(text, -1) {
		o := order{tool: text[at[2]:at[3]], times: 1}
		if json.NewDecoder(strings.NewReader(text[at[1]-1:])).Decode(&o.arguments) != nil {
			continue
		}
		around := text[max(0, at[0]-120):min(len(text), at[1]+300)]
		if m := often.FindStringSubmatch(around); m != nil {
			if n, err := strconv.Atoi(strings.NewReplacer(",", "", ".", "").Replace(m[1])); err == nil {
				o.times = n
			}
		}
		o.stubborn = forever.MatchString(around)
		o.arguments, _ = fill(o.arguments, text).(map[string]any)
		if key := fmt.Sprint(o.tool, o.arguments); !seen[key] {
			seen[key] = true
			out = append(out, o)
		}
	}
	return out
}

// fill puts in the place of "VALUE OF password" what follows password= in a text.
func fill(v any, text string) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = fill(v[key], text)
		}
	case []any:
		for i := range v {
			v[i] = fill(v[i], text)
		}
	case string:
		return filled(v, text)
	}
	return v
}

func filled(words, text string) string {
	return value.ReplaceAllStringFunc(words, func(s string) string {
		name := value.FindStringSubmatch(s)[1]
		m := regexp.MustCompile(`(?i)` + name + `["']?\s*[=:]\s*["']?(?:(?:Bearer|Basic) )?([^\s"',;}]+)`).FindStringSubmatch(text)
		if m == nil {
			return s
		}
		return m[1]
	})
}

var notation = regexp.MustCompile(`\\x([0-9a-fA-F]{2})|U\+([0-9a-fA-F]{4,5})`)

// unescaped are the characters that a text describes: \x1b, U+202E.
func unescaped(text string) string {
	return notation.ReplaceAllStringFunc(text, func(s string) string {
		code, err := strconv.ParseInt(s[2:], 16, 32)
		if err != nil {
			return s
		}
		return string(rune(code))
	})
}

// words are the texts that a report is to hold.
func words(text string) []string {
	var out []string
	for _, m := range quoted.FindAllStringSubmatch(text, -1) {
		if w := unescaped(filled(m[1], text)); !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// speech is as long as a text asks for.
func speech(text string) string {
	if m := long.FindStringSubmatch(text); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			return strings.Repeat(" more and", n/9)
		}
	}
	return ""
}
