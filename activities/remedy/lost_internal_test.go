package remedy

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/midwatch/midwatch/internal/investigation"
)

// faulty stands for an API server that does a change and then does not answer, or answers something else.
type faulty struct {
	serving sync.Mutex // an answer that breaks off tells its reader nothing about when it was done
	object  *unstructured.Unstructured
	patches atomic.Int32
	before  func()                      // what others do just before the first change; nil: nothing
	after   func(w http.ResponseWriter) // what it does instead of answering a change
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.serving.Lock()
	defer f.serving.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodPatch {
		if n := f.patches.Add(1); f.before != nil && n == 1 {
			f.before()
		}
		if f.after != nil {
			f.after(w)
			return
		}
		var operations []operation
		if err := json.NewDecoder(r.Body).Decode(&operations); err != nil || !f.take(operations) {
			answer(w, http.StatusUnprocessableEntity, "Invalid")
			return
		}
	}
	_ = json.NewEncoder(w).Encode(f.object)
}

// take makes a change, unless a test of it fails.
func (f *faulty) take(operations []operation) bool {
	object := f.object.DeepCopy()
	for _, o := range operations {
		var at []string
		for _, part := range strings.Split(o.Path, "/")[1:] {
			at = append(at, strings.NewReplacer("~1", "/", "~0", "~").Replace(part))
		}
		if o.Op != "test" {
			if unstructured.SetNestedField(object.Object, o.Value, at...) != nil {
				return false
			}
			continue
		}
		is, _, _ := unstructured.NestedFieldNoCopy(object.Object, at...)
		a, _ := json.Marshal(is)
		b, _ := json.Marshal(o.Value)
		if string(a) != string(b) {
			return false
		}
	}
	f.object = object
	return true
}

func answer(w http.ResponseWriter, code int, reason string) {
	w.WriteHeader(code)
	_, _ = fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"code":%d}`, reason, code)
}

func (f *faulty) cluster(t *testing.T) *Cluster {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	client, err := dynamic.NewForConfig(&rest.Config{Host: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	return &Cluster{client}
}

func newFaulty() (*faulty, investigation.ClusterChange) {
	object := workload("shop:1", "hunter2")
	object.SetAPIVersion("apps/v1")
	object.SetKind("Deployment")
	object.SetName("web")
	object.SetNamespace("shop")
	object.SetUID("u")
	object.SetResourceVersion("1")
	after := object.DeepCopy()
	after.Object["spec"].(map[string]any)["paused"] = true
	change := investigation.ClusterChange{
		Resource: "apps/v1/deployments", Namespace: "shop", Name: "web", UID: "u", Spec: digest(object, nil), Made: digest(after, nil),
		Patch: json.RawMessage(`[{"op":"add","path":"/spec/paused","value":true}]`),
	}
	return &faulty{object: object}, change
}

// TestAnAnswerThatIsLost: the change was made, the answer never came. That is no failure, and the next attempt finds it made.
func TestAnAnswerThatIsLost(t *testing.T) {
	f, change := newFaulty()
	f.after = func(http.ResponseWriter) {
		f.object.SetAnnotations(map[string]string{FixAnnotation: "fix-1"})
		f.object.Object["spec"].(map[string]any)["paused"] = true
		panic(http.ErrAbortHandler)
	}
	c := f.cluster(t)
	if _, err := c.Apply(t.Context(), "fix-1", change); err == nil || errors.Is(err, ErrRefused) || errors.Is(err, ErrChanged) {
		t.Fatalf("%v, want one that may be tried again", err)
	}
	made := f.patches.Load()
	said, err := c.Apply(t.Context(), "fix-1", change)
	if err != nil || !strings.Contains(said, "was changed by this fix") || f.patches.Load() != made {
		t.Errorf("again: %q, %v, %d patches", said, err, f.patches.Load()-made)
	}
	if applied, err := c.Applied(t.Context(), "fix-1", change); !applied || err != nil {
		t.Errorf("applied: %v, %v", applied, err)
	}
}

func TestARefusalIsFinal(t *testing.T) {
	f, change := newFaulty()
	f.after = func(w http.ResponseWriter) {
		answer(w, http.StatusForbidden, "Forbidden")
	}
	if _, err := f.cluster(t).Apply(t.Context(), "fix-1", change); !errors.Is(err, ErrRefused) || f.patches.Load() != 1 {
		t.Errorf("%v after %d patches", err, f.patches.Load())
	}
}
