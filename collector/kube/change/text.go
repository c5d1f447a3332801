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

// labelled are a diff of a container's resources or probes as two short texts that name each value: of "20m" alone nobody knows what it limits.
func labelled(d object.Diff) (before, after string) {
	var b, a []string
	for _, whole := range d {
		for _, x := range amounts(whole) {
			name := label(x.Path)
			b, a = append(b, named(name, x.Before)), append(a, named(name, x.After))
		}
	}
	return clip(strings.Join(b, ", "), maxSide), clip(strings.Join(a, ", "), maxSide)
}

// amounts makes of all limits or requests of a container that came or went each of them.
func amounts(d object.Difference) object.Diff {
	before, isB := d.Before.(map[string]any)
	after, isA := d.After.(map[string]any)
	if !isB && !isA || !strings.Contains(d.Path, "/resources") {
		return object.Diff{d}
	}
	var out object.Diff
	for _, part := range object.Compare(before, after) {
		part.Path = d.Path + part.Path
		out = append(out, amounts(part)...)
	}
	return out
}

func named(name string, value any) string {
	if value == nil {
		return "no " + name
	}
	return name + " " + text(value)
}

// label is what people call a field of a container: "CPU limit" for /spec/containers/app/resources/limits/cpu, "readiness probe path" for
// /spec/containers/app/readinessProbe/httpGet/path.
func label(path string) string {
	parts := strings.Split(strings.TrimPrefix(path, "/spec/"), "/") // containers, its name, the field and what is in it
	if len(parts) < 3 {
		return path
	}
	field, last := parts[2], parts[len(parts)-1]
	switch probe, isProbe := strings.CutSuffix(field, "Probe"); {
	case isProbe && len(parts) == 3:
		return probe + " probe"
	case isProbe:
		return probe + " probe " + last
	case len(parts) == 5 && (parts[3] == "limits" || parts[3] == "requests"):
		if last == "cpu" {
			last = "CPU"
		}
		return last + " " + strings.TrimSuffix(parts[3], "s")
	}
	return strings.Join(parts[3:], " ")
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
