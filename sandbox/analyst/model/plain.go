package model

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	image  = regexp.MustCompile(`!\[([^\]]*)\]\([^)]*\)`)
	link   = regexp.MustCompile(`\[([^\]]*)\]\(([^)]*)\)`)
	tag    = regexp.MustCompile(`</?[A-Za-z!][^<>]*>`)
	scheme = regexp.MustCompile(`(?i)\b(?:[a-z][a-z0-9+.-]*://|(?:javascript|data|vbscript|mailto):|www\.)`)
	ticks  = strings.NewReplacer("```", "", "`", "", "**", "", "[[", "[", "]]", "]", "![", "[", "][", "] [")
)

// plain makes one line of plain text of what a model wrote: no control or invisible characters, no markup, nothing that a
// renderer would turn into a link or fetch, at most limit bytes.
func plain(text string, limit int) string {
	return cut(strings.Join(strings.Fields(strip(text)), " "), limit)
}

// paragraphs is plain for texts that keep their lines.
func paragraphs(text string, limit int) string {
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(text, "\r", "\n")) {
		line = strings.Join(strings.Fields(strip(line)), " ")
		if line != "" || len(lines) > 0 && lines[len(lines)-1] != "" {
			lines = append(lines, line)
		}
	}
	return cut(strings.TrimSpace(strings.Join(lines, "\n")), limit)
}

func strip(text string) string {
	text = strings.Map(visible, strings.ToValidUTF8(text, ""))
	for before := ""; before != text; { // what is taken out may join what is left to new markup
		before = text
		text = image.ReplaceAllString(text, "$1")
		text = link.ReplaceAllString(text, "$1 ($2)")
		text = tag.ReplaceAllString(text, "")
		text = scheme.ReplaceAllString(text, "")
		text = ticks.Replace(text)
	}
	return strings.TrimLeft(text, "#> ")
}

// visible maps control characters to spaces and drops characters that show nothing.
func visible(r rune) rune {
	switch {
	case unicode.IsSpace(r), unicode.IsControl(r):
		return ' '
	case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), r >= 0xE0000 && r <= 0xE0FFF:
		return -1
	}
	return r
}

// cut keeps at most limit bytes of a text, whole characters.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	at := max(0, limit-len("…"))
	for at > 0 && !utf8.RuneStart(text[at]) {
		at--
	}
	return strings.TrimRight(text[:at], " ") + "…"
}
