package remedy

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/midwatch/midwatch/internal/investigation"
)

// faulty stands for an API server that does a change and then does not answer, or answers something else.
type faulty struct {
	object  *unstructured.Unstructured
	patches int
	after   func(w http.ResponseWriter) // what it does instead of answering a change
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodPatch {
		f.patches++
		if f.after != nil {
			f.after(w)
			return
		}
	}
	_ = json.NewEncoder(w).Encode(f.object)
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
	change := investigation.ClusterChange{
		Resource: "apps/v1/deployments", Namespace: "shop", Name: "web", UID: "u", Spec: digest(object), Patch: json.RawMessage(`[{"op":"add","path":"/spec/paused","value":true}]`),
	}
	return &faulty{object: object}, change
}

// TestAnAnswerThatIsLost: the change was made, the answer never came. That is no failure, and the next attempt finds it made.
func TestAnAnswerThatIsLost(t *testing.T) {
	f, change := newFaulty()
	f.after = func(http.ResponseWriter) {
		f.object.SetAnnotations(map[string]string{FixAnnotation: "fix-1"})
		panic(http.ErrAbortHandler)
	}
	c := f.cluster(t)
	if _, err := c.Apply(t.Context(), "fix-1", change); err == nil || errors.Is(err, ErrRefused) || errors.Is(err, ErrChanged) {
		t.Fatalf("%v, want one that may be tried again", err)
	}
	made := f.patches
	said, err := c.Apply(t.Context(), "fix-1", change)
	if err != nil || !strings.Contains(said, "was changed by this fix") || f.patches != made {
		t.Errorf("again: %q, %v, %d patches", said, err, f.patches-made)
	}
}

func TestARefusalIsFinal(t *testing.T) {
	f, change := newFaulty()
	f.after = func(w http.ResponseWriter) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403}`)
	}
	if _, err := f.cluster(t).Apply(t.Context(), "fix-1", change); !errors.Is(err, ErrRefused) || f.patches != 1 {
		t.Errorf("%v after %d patches", err, f.patches)
	}
}
