package remedy

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestReviewedIsWhatTheChangeIsAbout: what others own moves during an incident, and is not what was reviewed.
func TestReviewedIsWhatTheChangeIsAbout(t *testing.T) {
	object := func(spec string) *unstructured.Unstructured {
		o := &unstructured.Unstructured{Object: map[string]any{}}
		if err := json.Unmarshal([]byte(`{"spec":`+spec+`}`), &o.Object); err != nil {
			t.Fatal(err)
		}
		return o
	}
	restart, scale, cordon := []operation{{"add", "/spec/template/metadata/annotations/x", "1"}}, []operation{{"replace", replicas, 3}}, []operation{{"add", unschedulable, true}}
	for name, c := range map[string]struct {
		operations    []operation
		before, after string
		same          bool
	}{
		"an autoscaler during a restart":  {restart, `{"replicas":2,"paused":false}`, `{"replicas":5,"paused":false}`, true},
		"a person during a restart":       {restart, `{"replicas":2,"paused":false}`, `{"replicas":2,"paused":true}`, false},
		"replicas during a scaling":       {scale, `{"replicas":2}`, `{"replicas":5}`, false},
		"a taint during a cordon":         {cordon, `{"podCIDR":"a"}`, `{"podCIDR":"a","taints":[{"key":"not-ready"}]}`, true},
		"a person who cordoned meanwhile": {cordon, `{"podCIDR":"a"}`, `{"podCIDR":"a","unschedulable":true}`, false},
		"a node that is uncordoned":       {cordon, `{"unschedulable":false}`, `{}`, true},
	} {
		if same := digest(object(c.before), c.operations) == digest(object(c.after), c.operations); same != c.same {
			t.Errorf("%s: the same is %v", name, same)
		}
	}
}

// TestOthersMoveBetweenReadingAndWriting: an autoscaler's replicas are tried anew, a person's change is left alone.
func TestOthersMoveBetweenReadingAndWriting(t *testing.T) {
	f, change := newFaulty()
	f.before = func() { f.object.Object["spec"].(map[string]any)["replicas"] = int64(5) }
	if _, err := f.cluster(t).Apply(t.Context(), "fix-1", change); err != nil || f.patches.Load() != 2 {
		t.Errorf("%v after %d patches", err, f.patches.Load())
	}
	if n, _, _ := unstructured.NestedFieldNoCopy(f.object.Object, "spec", "replicas"); n != int64(5) {
		t.Errorf("%v replicas", n)
	}
	f, change = newFaulty()
	f.before = func() { f.object.Object["spec"].(map[string]any)["minReadySeconds"] = int64(5) }
	if _, err := f.cluster(t).Apply(t.Context(), "fix-1", change); !errors.Is(err, ErrChanged) || f.patches.Load() != 1 {
		t.Errorf("%v after %d patches", err, f.patches.Load())
	}
	f, change = newFaulty()
	f.after = func(w http.ResponseWriter) { answer(w, http.StatusUnprocessableEntity, "Invalid") }
	if _, err := f.cluster(t).Apply(t.Context(), "fix-1", change); !errors.Is(err, ErrRefused) || f.patches.Load() != 1 {
		t.Errorf("nothing moved: %v after %d patches", err, f.patches.Load())
	}
}

// TestAnnotationsOfOthersAreKept, although there were none when the object was read.
func TestAnnotationsOfOthersAreKept(t *testing.T) {
	f, change := newFaulty()
	f.before = func() {
		f.object.SetAnnotations(map[string]string{"owner": "shop"})
		f.object.SetResourceVersion("2")
	}
	if _, err := f.cluster(t).Apply(t.Context(), "fix-1", change); err != nil {
		t.Fatal(err)
	}
	if has := f.object.GetAnnotations(); has["owner"] != "shop" || has[FixAnnotation] != "fix-1" {
		t.Errorf("%v", has)
	}
}

// TestAMarkAloneIsNotBelieved: whoever may change the object may write it, too.
func TestAMarkAloneIsNotBelieved(t *testing.T) {
	f, change := newFaulty()
	f.object.SetAnnotations(map[string]string{FixAnnotation: "fix-1"})
	c := f.cluster(t)
	if said, err := c.Apply(t.Context(), "fix-1", change); !errors.Is(err, ErrUnclear) || f.patches.Load() != 0 {
		t.Errorf("%q, %v after %d patches", said, err, f.patches.Load())
	}
	if applied, err := c.Applied(t.Context(), "fix-1", change); applied || !errors.Is(err, ErrUnclear) {
		t.Errorf("applied: %v, %v", applied, err)
	}
}
