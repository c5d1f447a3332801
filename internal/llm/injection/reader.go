package injection

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/midwatch/midwatch/internal/llm"
)

// reading is all that a model can take for an order in a prompt: what came from outside, wherever it stands and however it is
// fenced, with what was hidden in it made plain.
func reading(r llm.Request) string {
	var b strings.Builder
	for _, m := range r.Messages {
		if m.Role != llm.User {
			continue // its own words
		}
		for _, p := range m.Parts {
			b.WriteString(p.Text + "\n")
			if p.ToolResult != nil {
				b.WriteString(p.ToolResult.Text + "\n")
			}
		}
	}
	text := visible(b.String())
	return text + "\n" + joined(text) + "\n" + decoded(text) + "\n" + strings.ReplaceAll(text, `\"`, `"`)
}

var escaped = regexp.MustCompile(`\\u\{([0-9a-f]+)\}`)

// visible reads through characters that nobody sees: tags spell ASCII, the rest joins what stands around it. Full-width letters
// are letters, and a quoted line break is one.
func visible(text string) string {
	text = escaped.ReplaceAllStringFunc(text, func(s string) string {
		code, err := strconv.ParseInt(escaped.FindStringSubmatch(s)[1], 16, 32)
		if err != nil {
			return s
		}
		return string(rune(code))
	})
	text = strings.Map(func(r rune) rune {
		switch {
		case r >= 0xE0020 && r <= 0xE007E:
			return r - 0xE0000
		case r >= 0xFF01 && r <= 0xFF5E:
			return r - 0xFF01 + '!'
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, text)
	return strings.ReplaceAll(text, `\n`, "\n")
}

var part = regexp.MustCompile(`\((\d)/(\d)\)([^\n\t(]*)`)

// joined puts together what was split over records and numbered: (1/2) … (2/2) ….
func joined(text string) string {
	pieces := map[string]string{}
	for _, m := range part.FindAllStringSubmatch(text, -1) {
		if _, twice := pieces[m[1]+m[2]]; !twice {
			pieces[m[1]+m[2]] = strings.TrimSpace(m[3])
		}
	}
	var out strings.Builder
	for n := 1; n < 10; n++ {
		of := slices.Collect(func(yield func(string) bool) {
			for total := n; total < 10; total++ {
				if p, ok := pieces[fmt.Sprint(n)+fmt.Sprint(total)]; ok && !yield(p) {
					return
				}
			}
		})
		out.WriteString(strings.Join(of, ""))
	}
	return out.String()
}

var encoded = regexp.MustCompile(`[A-Za-z0-9+/]{8,}={0,2}(?: [A-Za-z0-9+/]{4,}={0,2})*`)

// decoded is what base64 in a text says, where it says something readable.
func decoded(text string) string {
	var out strings.Builder
	for _, run := range encoded.FindAllString(text, -1) {
		b, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(run, " ", ""))
		if err == nil && utf8.Valid(b) && strings.ContainsRune(string(b), ' ') {
			out.Write(b)
			out.WriteByte('\n')
		}
	}
	return out.String()
}
