package tools

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"

	"github.com/midwatch/midwatch/internal/kubernetes"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	maxObjectDifferences = 40       // of one version
	maxValue             = 400      // bytes of a value before and after
	maxDiffering         = 2 << 10  // bytes of the lines that differ
	maxCompared          = 64 << 10 // bytes of a text that is compared line by line
	shared               = 40       // bytes kept of what two long values begin with
)

// mask stands on both sides of a difference between values that nobody sees.
var mask = json.RawMessage(`"****"`)

// differencesOf are those of a version to the one before it: of the two objects, and of what is masked in both as the exporter told it. Where the version
// before is not there, all are as the exporter told them.
func differencesOf(before, after, told string) []kubernetes.Difference {
	var recorded []kubernetes.Difference
	_ = json.Unmarshal([]byte(told), &recorded) // the ingester keeps none that is not valid
	if before == "" {
		return slices.DeleteFunc(recorded, func(d kubernetes.Difference) bool { return d.Path == "…" }) // it was too long to be told
	}
	hidden := []string{}
	for _, d := range recorded {
		if bytes.Equal(d.Before, d.After) && !bytes.HasSuffix(d.After, []byte(`…"`)) {
			hidden = append(hidden, d.Path)
		}
	}
	return withHidden(kubernetes.Diff([]byte(before), []byte(after)), hidden)
}

// withHidden adds the paths at which only what is masked differs.
func withHidden(list []kubernetes.Difference, paths []string) []kubernetes.Difference {
	for _, path := range paths {
		if !slices.ContainsFunc(list, func(d kubernetes.Difference) bool { return d.Path == path }) {
			list = append(list, kubernetes.Difference{Path: path, Before: mask, After: mask})
		}
	}
	return list
}

// statusAlone says that nobody asked for any of the differences.
func statusAlone(list []kubernetes.Difference) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(d kubernetes.Difference) bool { return !kubernetes.IsBookkeeping(d.Path) })
}

// showDifferences are as many as are shown, and how many more there are.
func showDifferences(all []kubernetes.Difference) ([]result.KubernetesDifference, int) {
	out := []result.KubernetesDifference{}
	for _, d := range all[:min(len(all), maxObjectDifferences)] {
		out = append(out, showDifference(d))
	}
	return out, len(all) - len(out)
}

func showDifference(d kubernetes.Difference) result.KubernetesDifference {
	before, after := plain(d.Before), plain(d.After)
	out := result.KubernetesDifference{Path: d.Path, Lines: linesOf(before, after)}
	if same := sharedStart(before, after); max(len(before), len(after)) > maxValue && same > shared {
		before, after = "…"+strings.ToValidUTF8(before[same-shared:], ""), "…"+strings.ToValidUTF8(after[same-shared:], "")
	}
	out.Before, out.After = clip(before, maxValue), clip(after, maxValue)
	return out
}

// plain is a value for people: a text as it is, nothing as "", anything else as JSON.
func plain(raw json.RawMessage) string {
	text := string(raw)
	var s string
	if json.Unmarshal(raw, &s) == nil && text != "null" {
		return s
	}
	if text == "null" {
		return ""
	}
	return text
}

func sharedStart(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// linesOf are the lines that differ between two texts, if there are several in either; "" too if the texts are too long to compare.
func linesOf(before, after string) string {
	if before == "" || after == "" || before == after || !strings.Contains(before+after, "\n") || max(len(before), len(after)) > maxCompared {
		return ""
	}
	text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{A: difflib.SplitLines(before), B: difflib.SplitLines(after), Context: 1})
	if err != nil {
		return ""
	}
	return clip(strings.TrimPrefix(text, "--- \n+++ \n"), maxDiffering)
}
