package change

import (
	"encoding/json"
	"strings"

	"github.com/pmezard/go-difflib/difflib"

	"github.com/midwatch/midwatch/collector/kube/object"
	"github.com/midwatch/midwatch/collector/secret"
)

const (
	maxDetail   = 4 << 10
	maxSide     = 512 // of a value before or after
	maxCompared = 128 << 10
)

// sides are a diff as two short texts and as the lines of a unified diff.
func sides(d object.Diff) (before, after, detail string) {
	var b, a, lines strings.Builder
	for i, x := range d {
		if i > 0 {
			b.WriteString(", ")
			a.WriteString(", ")
		}
		old, now := text(x.Before), text(x.After)
		b.WriteString(old)
		a.WriteString(now)
		if x.Before != nil {
			lines.WriteString("-" + x.Path + ": " + old + "\n")
		}
		if x.After != nil {
			lines.WriteString("+" + x.Path + ": " + now + "\n")
		}
		if old == now && strings.Contains(now, secret.Mask) {
			lines.WriteString(" (only what is masked differs)\n")
		}
	}
	return clip(b.String(), maxSide), clip(a.String(), maxSide), clip(lines.String(), maxDetail)
}

// fields names what differs by the last parts of the paths.
func fields(d object.Diff) string {
	var out []string
	for i, x := range d {
		if i == 3 {
			out = append(out, "…")
			break
		}
		out = append(out, strings.TrimPrefix(strings.TrimPrefix(x.Path, "/"), "spec/"))
	}
	return strings.Join(out, ", ")
}

func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case map[string]any:
		if name, value, ok := variable(v); ok {
			return name + "=" + value
		}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// variable reads one of a container's variables that has its value with it.
func variable(v map[string]any) (name, value string, ok bool) {
	name, named := v["name"].(string)
	value, valued := v["value"].(string)
	return name, value, named && valued && len(v) == 2
}

// unified is the difference of two texts, line by line.
func unified(before, after string) string {
	if len(before) > maxCompared || len(after) > maxCompared {
		return "too large to compare\n"
	}
	out, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: difflib.SplitLines(before), B: difflib.SplitLines(after), FromFile: "before", ToFile: "after", Context: 2,
	})
	if err != nil {
		return ""
	}
	return out
}

// clip cuts at a line's end where it can and says so.
func clip(s string, limit int) string {
	const note = "…"
	if len(s) <= limit {
		return s
	}
	s = s[:limit-len(note)]
	if i := strings.LastIndexByte(s, '\n'); i > limit/2 {
		s = s[:i+1]
	}
	return strings.ToValidUTF8(s, "") + note
}
