package rules

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// placeholder is all that a summary may have between braces: no functions, no loops, nothing that could run for long.
var placeholder = regexp.MustCompile(`\{\{\s*\$(value|labels\.([a-zA-Z_][a-zA-Z0-9_]*))\s*\}\}`)

// maxFilled bounds what one placeholder becomes, in bytes.
const maxFilled = 120

func checkTemplate(text string) error {
	if len(text) > maxSummary {
		return fmt.Errorf("%d bytes; want at most %d", len(text), maxSummary)
	}
	rest := placeholder.ReplaceAllString(text, "")
	if at := strings.Index(rest, "{{"); at >= 0 {
		end := min(len(rest), at+30)
		return fmt.Errorf("%q: between {{ and }} only $value and $labels.NAME can stand", rest[at:end])
	}
	return nil
}

// Fill writes a summary: values of labels come from whoever sent the telemetry, so they are cut and stripped of what is no text.
func Fill(template string, labels map[string]string, value float64) string {
	filled := placeholder.ReplaceAllStringFunc(template, func(found string) string {
		m := placeholder.FindStringSubmatch(found)
		if m[2] == "" {
			return strconv.FormatFloat(value, 'g', 6, 64)
		}
		return cutTo(labels[m[2]], maxFilled)
	})
	return strings.Map(printable, strings.ToValidUTF8(filled, "�"))
}

// Plain is a text as people can read it: one line of at most so many bytes and an ellipsis, without what is no text.
func Plain(text string, limit int) string {
	return strings.Map(printable, strings.ToValidUTF8(cutTo(text, limit), "�"))
}

func cutTo(text string, limit int) string {
	if len(text) > limit {
		return strings.ToValidUTF8(text[:limit], "") + "…"
	}
	return text
}

// printable keeps what people can see; line breaks and control characters, of terminals too, are blanks.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' '
}
