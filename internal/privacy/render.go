package privacy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain makes text from a model or from telemetry fit for a terminal and for a web page's text: without control, zero-width
// and bidirectional characters and terminal sequences, and without live links. Line ends and tabs stay.
func Plain(text string) string {
	return defang(visible(text))
}

// visible drops what is not seen but acts: terminal sequences, control characters, what joins or turns writing around, and
// the tag characters that spell invisible ASCII.
func visible(text string) string {
	if clean(text) {
		return text
	}
	text = withoutSequences(strings.ToValidUTF8(text, "\uFFFD"))
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		if hidden(r) {
			return -1
		}
		return r
	}, text)
}

func clean(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\n' && c != '\t' || c >= 0x7f {
			return false
		}
	}
	return true
}

func hidden(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return r < ' ' || r == 0x7f
	case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r):
		return true
	case r >= 0xFE00 && r <= 0xFE0F, r >= 0xE0000 && r <= 0xE0FFF: // variation selectors, tags
		return true
	case r == '\u2028', r == '\u2029', r == '\u034F', r == '\u115F', r == '\u1160', r == '\u3164', r == '\uFFA0', r == '\u2800':
		return true
	}
	return false
}

// withoutSequences drops terminal sequences whole: colours and cursor (CSI), titles and hyperlinks (OSC).
func withoutSequences(text string) string {
	var out strings.Builder
	for {
		esc := strings.IndexByte(text, '\x1b')
		if esc < 0 {
			break
		}
		out.WriteString(text[:esc])
		text = text[sequenceEnd(text, esc):]
	}
	if out.Len() == 0 {
		return text
	}
	out.WriteString(text)
	return out.String()
}

func sequenceEnd(text string, esc int) int {
	i := esc + 1
	if i == len(text) {
		return i
	}
	switch text[i] {
	case '[':
		for i++; i < len(text) && text[i] >= ' ' && text[i] < '@'; i++ {
		}
		return min(i+1, len(text))
	case ']', 'P', '_', '^', 'X':
		for ; i < len(text) && text[i] != '\x07' && text[i] != '\n'; i++ {
			if text[i] == '\x1b' && i > esc+1 {
				return min(i+2, len(text))
			}
		}
		return min(i+1, len(text))
	}
	return i
}

// bareSchemes make links without "//".
var bareSchemes = set("javascript data vbscript mailto file xmpp tel sms blob about magnet callto slack vscode ms-settings")

// defang breaks links: https://a becomes hxxps[:]//a, www.a becomes www[.]a.
func defang(text string) string {
	var out strings.Builder
	copied := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case ':':
			start := schemeStart(text, i)
			scheme := strings.ToLower(text[start:i])
			if scheme == "" || !strings.HasPrefix(text[i+1:], "//") && !strings.HasPrefix(text[i+1:], `\/`) && !bareLink(scheme, text[i+1:]) {
				continue
			}
			if strings.HasPrefix(scheme, "http") && start >= copied {
				out.WriteString(text[copied:start] + "hxxp")
				copied = start + len("http")
			}
			out.WriteString(text[copied:i] + "[:]")
			copied = i + 1
		case '.':
			if i >= 3 && strings.EqualFold(text[i-3:i], "www") && (i == 3 || !alphanumeric(text[i-4])) && i-3 >= copied {
				out.WriteString(text[copied:i] + "[.]")
				copied = i + 1
			}
		}
	}
	if copied == 0 {
		return text
	}
	out.WriteString(text[copied:])
	return out.String()
}

func bareLink(scheme, rest string) bool {
	return bareSchemes[scheme] && rest != "" && !isSpace(rest[0]) && !lineEnd(rest[0])
}

func schemeStart(text string, colon int) int {
	i := colon
	for i > 0 && colon-i < 32 && (alphanumeric(text[i-1]) || strings.IndexByte("+.-", text[i-1]) >= 0) {
		i--
	}
	for i < colon && !isLetter(text[i]) {
		i++
	}
	return i
}
