package analysis

import "regexp"

// masks are applied in order; the first is the most specific. They keep words, so that lines of one statement in the
// source have one template.
var masks = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?`), "<time>"},
	{regexp.MustCompile(`\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b`), "<id>"},
	{regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b`), "<address>"},
	{regexp.MustCompile(`"(?:[^"\\]|\\.)*\d(?:[^"\\]|\\.)*"`), `"<text>"`},
	{regexp.MustCompile(`\b(?:0x)?[0-9a-fA-F]*\d[0-9a-fA-F]{7,}\b`), "<id>"},
	{regexp.MustCompile(`\d+(?:\.\d+)?`), "<n>"},
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
		line = m.pattern.ReplaceAllString(line, m.with)
	}
	if len(line) > maxTemplate {
		line = line[:maxTemplate]
	}
	return line
}
