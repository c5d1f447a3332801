package investigation

import (
	"maps"
	"slices"
	"unicode/utf8"
)

// MaxTrigger bounds a trigger, in bytes of JSON: a batch of a hundred fits into one payload of Temporal's, of at most 2 MB.
const MaxTrigger = 4 << 10

// fields is what a trigger takes besides its texts: names of fields, numbers, times.
const fields = 400

// Size is what a trigger takes at most, in bytes of JSON. It is counted, not written: workflows ask for it thousands of times.
func (t Trigger) Size() int {
	n := fields
	for _, s := range []string{t.ID, string(t.Kind), t.Environment, t.Rule, string(t.Entity), t.Service, string(t.Severity), t.Summary} {
		n += TextSize(s)
	}
	for _, list := range [][]string{t.Peers, t.Calls} {
		for _, p := range list {
			n += TextSize(p)
		}
	}
	for _, s := range t.Namespaces {
		n += TextSize(s)
	}
	// A sum, whatever the order.
	//workflowcheck:ignore
	for k, v := range t.Attributes {
		n += TextSize(k) + TextSize(v)
	}
	return n
}

// TextSize is what a text takes at most as JSON, in bytes, with quotes and a comma: some characters become six.
func TextSize(s string) int {
	n := 3
	for _, r := range s {
		switch {
		case r < ' ' || r == '<' || r == '>' || r == '&' || r == '\u2028' || r == '\u2029' || r == 0x7f || r == utf8.RuneError:
			n += 6
		case r == '"' || r == '\\':
			n += 2
		default:
			n += utf8.RuneLen(r)
		}
	}
	return n
}

// Bounded is the trigger with texts and lists as short as it takes for MaxTrigger. One that is small enough stays as it is, and the ID
// of any.
func (t Trigger) Bounded() Trigger {
	for text, list := MaxTrigger/4, 16; t.Size() > MaxTrigger && text >= 16; text, list = text/2, max(1, list/2) {
		t = t.shortened(text, list)
	}
	return t
}

// shortened has texts of at most so many bytes and lists of at most so many.
func (t Trigger) shortened(text, list int) Trigger {
	t.Rule, t.Service, t.Summary = cut(t.Rule, text), cut(t.Service, text), cut(t.Summary, text)
	t.Entity = t.Entity[:len(cut(string(t.Entity), text))]
	t.Peers, t.Calls = few(t.Peers, text, list), few(t.Calls, text, list)
	kept := map[string]string{}
	//workflowcheck:ignore
	for _, k := range slices.Sorted(maps.Keys(t.Attributes)) {
		if len(kept) < list {
			kept[cut(k, text)] = cut(t.Attributes[k], text)
		}
	}
	t.Attributes = kept
	return t
}

// few are the first of a list, each cut.
func few(list []string, text, most int) []string {
	list = slices.Clone(list[:min(most, len(list))])
	for i, s := range list {
		list[i] = cut(s, text)
	}
	return list
}

// cut shortens text to at most limit bytes, between runes.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
