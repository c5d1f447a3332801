package privacy

import "strings"

// Markdown makes text safe inside a Markdown document: it shows as it is, with no markup, HTML, image, link, mention or
// reference of its own.
func Markdown(text string) string {
	text = defang(visible(text))
	var out strings.Builder
	out.Grow(len(text) + len(text)/8)
	lineStart := true
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '<':
			out.WriteString("&lt;")
		case c == '>':
			out.WriteString("&gt;")
		case c == '&':
			out.WriteString("&amp;")
		case c == '@' && i+1 < len(text) && (alphanumeric(text[i+1]) || text[i+1] >= 0x80):
			out.WriteString(`\[at\]`)
		case c == '#' && i+1 < len(text) && isDigit(text[i+1]):
			out.WriteString(`\[#\]`)
		case c == '-' && i+1 < len(text) && isDigit(text[i+1]) && reference(text[:i]):
			out.WriteString(`\[-\]`)
		case strings.IndexByte("\\`*_[]|~$!", c) >= 0, lineStart && strings.IndexByte("#-+=", c) >= 0:
			out.WriteByte('\\')
			out.WriteByte(c)
		case (c == '.' || c == ')') && numbered(text[:i]):
			out.WriteByte('\\')
			out.WriteByte(c)
		case lineStart && c == '\t':
			out.WriteByte(' ')
			continue
		default:
			out.WriteByte(c)
		}
		lineStart = c == '\n' || lineStart && c == ' '
	}
	return out.String()
}

// reference tells whether text ends in what a code host makes a link of when a dash and a number follow: GH-12.
func reference(text string) bool {
	n := len(text) - len("GH")
	return n >= 0 && strings.EqualFold(text[n:], "GH") && (n == 0 || !alphanumeric(text[n-1]))
}

// numbered tells whether a line has held nothing but a number so far: "1." would begin a list.
func numbered(before string) bool {
	line := strings.TrimLeft(before[strings.LastIndexByte(before, '\n')+1:], " ")
	return line != "" && len(line) <= 9 && digitsOnly(line)
}

// MarkdownCode wraps text in a fenced code block that it cannot end. In it nothing is live.
func MarkdownCode(text string) string {
	text = visible(text)
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + "text\n" + strings.TrimSuffix(text, "\n") + "\n" + fence
}

// Slack makes text safe inside a Slack message: no link, mention, channel call or entity of its own. Names of hosts and
// domains get a bracketed dot, since Slack links them too.
func Slack(text string) string {
	text = bracketDomains(defang(visible(text)))
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "[at]").Replace(text)
}

// Inert makes text that means nothing to whatever shows it, where nobody knows what that will be: like Plain, and a space breaks what
// would be markup, an image, a link or a mention in a chat, a ticket or a code host. Commands stay readable.
func Inert(text string) string {
	text = Plain(text)
	var out strings.Builder
	out.Grow(len(text) + len(text)/16)
	for i := range len(text) {
		out.WriteByte(text[i])
		if i+1 < len(text) && acts(text, i) {
			out.WriteByte(' ')
		}
	}
	return out.String()
}

// acts tells whether what stands at i and behind it begins markup, an image, a link's address or a mention.
func acts(text string, i int) bool {
	next := text[i+1]
	switch text[i] {
	case '<':
		return isLetter(next) || strings.IndexByte("!/@#", next) >= 0
	case '!':
		return next == '['
	case ']':
		return next == '('
	case '@':
		return (i == 0 || !alphanumeric(text[i-1])) && (alphanumeric(next) || next >= 0x80)
	}
	return false
}

// bracketDomains turns a.example.com into a.example[.]com.
func bracketDomains(text string) string {
	var out strings.Builder
	copied := 0
	for i := 0; i < len(text); {
		j := i
		for j < len(text) && classes[text[j]]&(lower|upper|digit|dot|dash|high) != 0 {
			j++
		}
		if j == i {
			i++
			continue
		}
		end := i + len(strings.TrimRight(text[i:j], ".-_+~"))
		if last := strings.LastIndexByte(text[i:max(i, end)], '.'); last > 0 && linkable(text[i+last+1:end]) {
			out.WriteString(text[copied:i+last] + "[.]")
			copied = i + last + 1
		}
		i = j
	}
	if copied == 0 {
		return text
	}
	out.WriteString(text[copied:])
	return out.String()
}

// linkable tells whether a label can be a top-level domain: any two letters, or one that is known.
func linkable(tld string) bool {
	t := strings.ToLower(tld)
	return len(t) == 2 && !digitsOnly(t) || sureTLDs[t] || longTLDs[t] || wordTLDs[t] || len(t) > 2 && t[0] >= 0x80
}
