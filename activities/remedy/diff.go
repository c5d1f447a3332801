package remedy

import (
	"fmt"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/midwatch/midwatch/collector/secret"
)

// maxDiff bounds what an approver has to read, in bytes.
const maxDiff = 48 << 10

// diff shows what becomes of an object's specification, for people. Values that look like credentials are hidden; a change of only such a
// value still shows.
func diff(before, after *unstructured.Unstructured) (string, error) {
	a, err := render(before)
	if err != nil {
		return "", err
	}
	b, err := render(after)
	if err != nil {
		return "", err
	}
	if a == b && digest(before) != digest(after) {
		return "only values that are hidden change", nil
	}
	text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{A: difflib.SplitLines(a), B: difflib.SplitLines(b), Context: 4})
	if err != nil {
		return "", err
	}
	if len(text) > maxDiff {
		return "", fmt.Errorf("a difference of %d bytes is too much to approve, at most %d", len(text), maxDiff)
	}
	return strings.TrimPrefix(text, "--- \n+++ \n"), nil
}

func render(object *unstructured.Unstructured) (string, error) {
	spec, _, err := unstructured.NestedMap(object.Object, "spec")
	if err != nil {
		return "", fmt.Errorf("read the specification of %s: %w", object.GetName(), err)
	}
	hide(spec)
	b, err := yaml.Marshal(spec)
	return secret.Text(string(b)), err
}

// hide masks variables of containers whose names or values look like credentials.
func hide(v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			hide(x)
		}
	case map[string]any:
		name, _ := v["name"].(string)
		if value, ok := v["value"].(string); ok && name != "" {
			masked := secret.Args([]string{name + "=" + value})[0]
			v["value"] = strings.TrimPrefix(masked, name+"=")
		}
		for _, x := range v {
			hide(x)
		}
	}
}
