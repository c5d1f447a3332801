package analysis

import (
	"regexp"
	"strings"
)

// masks are applied in order; the first is the most specific. They keep words, so that lines of one statement in the
// source have one template. A line that cannot match, as may tells at a glance, is spared the search: a search of logs masks
// thousands of lines.
var masks = [...]struct {
	pattern *regexp.Regexp
	with    string
	may     func(line string) bool
}{
	{
		regexp.MustCompile(`\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?`), "<time>",
		func(line string) bool { return has(line, '-', 2) && has(line, ':', 2) },
	},
	{
		regexp.MustCompile(`\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b`), "<id>",
		func(line string) bool { return has(line, '-', 4) && hexRun(line, 12) },
	},
	{
		regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b`), "<address>",
		func(line string) bool { return has(line, '.', 3) },
	},
	{
		regexp.MustCompile(`"(?:[^"\\]|\\.)*\d(?:[^"\\]|\\.)*"`), `"<text>"`,
		func(line string) bool { return has(line, '"', 2) },
	},
	{
		regexp.MustCompile(`\b(?:0x)?[0-9a-fA-F]*\d[0-9a-fA-F]{7,}\b`), "<id>",
		func(line string) bool { return hexRun(line, 8) },
	},
}

// maxTemplate bounds a template in bytes: what differs only after it is one template.
const maxTemplate = 300

// Template masks what changes from line to line (times, ids, addresses, numbers, quoted values with digits), so that
// equal statements in the source give equal templates.
func Template(line string) string {
	if len(line) > 4*maxTemplate {
		line = line[:4*maxTemplate]
	}
	for _, m := range masks {
		if m.may(line) {
			line = m.pattern.ReplaceAllString(line, m.with)
		}
	}
	line = numbers(line)
	if len(line) > maxTemplate {
		line = line[:maxTemplate]
	}
	return line
}

// numbers masks every run of digits, with a fraction if it has one.
func numbers(line string) string {
	var out strings.Builder
	kept := 0 // bytes of line that out has
	for i := 0; i < len(line); {
		if !digit(line[i]) {
			i++
			continue
		}
		end := digits(line, i)
		if end+1 < len(line) && line[end] == '.' && digit(line[end+1]) {
			end = digits(line, end+1)
		}
		out.WriteString(line[kept:i])
		out.WriteString("<n>")
		i, kept = end, end
	}
	if kept == 0 {
		return line
	}
	out.WriteString(line[kept:])
	return out.String()
}

// digits is where a run of digits that begins at from ends.
func digits(line string, from int) int {
	for from < len(line) && digit(line[from]) {
		from++
	}
	return from
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// has tells whether a character is there at least n times.
func has(line string, c byte, n int) bool {
	for ; n > 0; n-- {
		at := strings.IndexByte(line, c)
		if at < 0 {
			return false
		}
		line = line[at+1:]
	}
	return true
}

// hexRun tells whether n hexadecimal digits follow each other.
func hexRun(line string, n int) bool {
	run := 0
	for i := range len(line) {
		if c := line[i] | 0x20; digit(line[i]) || c >= 'a' && c <= 'f' {
			if run++; run == n {
				return true
			}
		} else {
			run = 0
		}
	}
	return false
}
