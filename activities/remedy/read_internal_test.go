package remedy

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/midwatch/midwatch/activities/action"
	"github.com/midwatch/midwatch/internal/investigation"
)

const shopWeb = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop","uid":"u","resourceVersion":"1"},
	"spec":{"replicas":2,"selector":{"matchLabels":{"app":"web"},"matchExpressions":[{"key":"tier","operator":"In","values":["front"]}]},"template":{"spec":{}}}}`

func replicaSet(n int) string {
	return fmt.Sprintf(`{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"web-%d","annotations":{"deployment.kubernetes.io/revision":"%d"},
		"ownerReferences":[{"uid":"u","controller":true}]},"spec":{"template":{"spec":{"revision":%d}}}}`, n, n, n)
}

// serving is a Cluster whose API server is a function.
func serving(t *testing.T, serve http.HandlerFunc) *Cluster {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		serve(w, r)
	}))
	t.Cleanup(s.Close)
	client, err := dynamic.NewForConfig(&rest.Config{Host: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	return &Cluster{client}
}

// TestRevisionsComeInPages, and only those that the workload's selector chooses.
func TestRevisionsComeInPages(t *testing.T) {
	var asked []string
	c := serving(t, func(w http.ResponseWriter, r *http.Request) {
		switch q := r.URL.Query(); {
		case r.Method == http.MethodPatch:
			_, _ = fmt.Fprint(w, strings.Replace(shopWeb, `"template":{"spec":{}}`, `"template":{"spec":{"revision":1}}`, 1))
		case !strings.Contains(r.URL.Path, "replicasets"):
			_, _ = fmt.Fprint(w, shopWeb)
		default:
			asked = append(asked, q.Get("labelSelector")+" "+q.Get("limit")+" "+q.Get("continue"))
			item, next := replicaSet(2), "more"
			if q.Get("continue") == "more" {
				item, next = replicaSet(1), ""
			}
			_, _ = fmt.Fprintf(w, `{"apiVersion":"apps/v1","kind":"ReplicaSetList","metadata":{"continue":%q},"items":[%s]}`, next, item)
		}
	})
	p, err := c.Prepare(t.Context(), investigation.RollbackWorkload, map[string]string{"workload": "shop/deployment/web"}, time.Now())
	if err != nil || !strings.Contains(p.Summary, "from revision 2 to 1") {
		t.Errorf("%q, %v", p.Summary, err)
	}
	if want := "[app=web,tier in (front) 100  app=web,tier in (front) 100 more]"; fmt.Sprint(asked) != want {
		t.Errorf("asked %q, want %q", asked, want)
	}
}

// TestARightThatIsMissingIsNamed: the incident says which, instead of that an activity failed.
func TestARightThatIsMissingIsNamed(t *testing.T) {
	workload := map[string]string{"workload": "shop/deployment/web", "replicas": "3"}
	for _, test := range []struct {
		kind   investigation.ActionKind
		method string
		path   string
		want   string
		code   int
		reason string
	}{
		{investigation.RestartWorkload, http.MethodGet, "deployments", "get deployments.apps", http.StatusForbidden, "Forbidden"},
		{investigation.RestartWorkload, http.MethodGet, "deployments", "get deployments.apps", http.StatusUnauthorized, "Unauthorized"},
		{investigation.RestartWorkload, http.MethodPatch, "deployments", "patch deployments.apps", http.StatusForbidden, "Forbidden"},
		{investigation.ScaleWorkload, http.MethodGet, "horizontalpodautoscalers", "list horizontalpodautoscalers.autoscaling", http.StatusForbidden, "Forbidden"},
		{investigation.RollbackWorkload, http.MethodGet, "replicasets", "list replicasets.apps", http.StatusForbidden, "Forbidden"},
	} {
		c := serving(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == test.method && strings.Contains(r.URL.Path, test.path) {
				answer(w, test.code, test.reason)
				return
			}
			_ = json.NewEncoder(w).Encode(json.RawMessage(shopWeb))
		})
		_, err := c.Prepare(t.Context(), test.kind, workload, time.Now())
		if !errors.Is(err, action.ErrDraft) || !strings.Contains(err.Error(), "may not "+test.want) {
			t.Errorf("%s: %v, want one that names %q", test.kind, err, test.want)
		}
	}
}
