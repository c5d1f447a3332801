package remedy

import (
	"fmt"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/midwatch/midwatch/activities/action"
)

// maxDiff bounds what an approver has to read, in bytes.
const maxDiff = 48 << 10

// diff shows what becomes of an object's specification, for people. Values that look like credentials are hidden; that one of them
// changes still shows, whatever else does.
func diff(before, after *unstructured.Unstructured) (string, error) {
	m := masks{}
	a, err := m.render(before)
	if err != nil {
		return "", err
	}
	b, err := m.render(after)
	if err != nil {
		return "", err
	}
	text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{A: difflib.SplitLines(a), B: difflib.SplitLines(b), Context: 4})
	if err != nil {
		return "", err
	}
	if len(text) > maxDiff {
		return "", fmt.Errorf("%w: a difference of %d bytes is too much to approve, at most %d", action.ErrDraft, len(text), maxDiff)
	}
	return strings.TrimPrefix(text, "--- \n+++ \n"), nil
}

func (m masks) render(object *unstructured.Unstructured) (string, error) {
	spec, _, err := unstructured.NestedMap(object.Object, "spec")
	if err != nil {
		return "", fmt.Errorf("read the specification of %s: %w", object.GetName(), err)
	}
	b, err := yaml.Marshal(m.hide(spec))
	return string(b), err
}
