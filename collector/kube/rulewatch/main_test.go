package rulewatch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"gopkg.in/yaml.v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/midwatch/midwatch/collector/exporter/filter"
	"github.com/midwatch/midwatch/collector/kube/apitest"
	"github.com/midwatch/midwatch/collector/kube/rulewatch"
)

const crds = "../../../deploy/helm/midwatch/crds"

var definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// cluster is a real API server with the CRDs.
type cluster struct {
	*apitest.Server
	t      *testing.T
	client dynamic.Interface
}

func start(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{Server: apitest.Start(t), t: t}
	var err error
	if c.client, err = dynamic.NewForConfig(c.Config); err != nil {
		t.Fatal(err)
	}
	return c
}

// install applies the CRDs and waits until they are served.
func (c *cluster) install() {
	c.t.Helper()
	files, err := filepath.Glob(crds + "/*.yaml")
	if err != nil || len(files) != 3 {
		c.t.Fatal(files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			c.t.Fatal(err)
		}
		o := object(c.t, string(b))
		if _, err := c.client.Resource(definitions).Create(c.t.Context(), o, metav1.CreateOptions{FieldValidation: "Strict"}); err != nil {
			c.t.Fatal(f, err)
		}
		eventually(c.t, func() (string, bool) {
			crd, err := c.client.Resource(definitions).Get(c.t.Context(), o.GetName(), metav1.GetOptions{})
			if err != nil {
				return err.Error(), false
			}
			list, _, _ := unstructured.NestedSlice(crd.Object, "status", "conditions")
			for _, x := range list {
				if m := x.(map[string]any); m["type"] == "Established" && m["status"] == "True" {
					return "", true
				}
			}
			return fmt.Sprint(list), false
		})
	}
}

// object reads YAML as kubectl does.
func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(b); err != nil {
		t.Fatal(err)
	}
	return o
}

// apply is kubectl apply --server-side of a rule with a spec in YAML.
func (c *cluster) apply(kind, name, spec string) error {
	c.t.Helper()
	o := object(c.t, fmt.Sprintf("{apiVersion: midwatch.dev/v1alpha1, kind: %s, metadata: {name: %s}, spec: %s}", kind, name, spec))
	b, err := o.MarshalJSON()
	if err != nil {
		c.t.Fatal(err)
	}
	_, err = c.rules(kind).Patch(c.t.Context(), name, types.ApplyPatchType, b, metav1.PatchOptions{FieldManager: "test", Force: new(true), FieldValidation: "Strict"})
	return err
}

func (c *cluster) rules(kind string) dynamic.ResourceInterface {
	resource := map[string]string{"AlertRule": "alertrules", "DropRule": "droprules", "RedactionRule": "redactionrules"}[kind]
	r := c.client.Resource(schema.GroupVersionResource{Group: "midwatch.dev", Version: "v1alpha1", Resource: resource})
	if kind == "AlertRule" {
		return r.Namespace("default")
	}
	return r
}

func (c *cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// watch runs a watcher as an exporter does until stop.
func (c *cluster) watch(leading func() bool) (*filter.Live, func()) {
	c.t.Helper()
	live, err := filter.NewLive(nil, nil)
	c.must(err)
	w, err := rulewatch.New(rulewatch.Config{Cluster: c.Config, Filters: live, Leading: leading})
	c.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			c.t.Error(err)
		}
	}
	c.t.Cleanup(stop)
	return live, stop
}

// leaves is what becomes of a log line, or why it waits.
func leaves(live *filter.Live, line string) string {
	f, err := live.Now()
	if err != nil {
		return "held"
	}
	ld := plog.NewLogs()
	l := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	l.Body().SetStr(line)
	l.Attributes().PutStr("line", line)
	if f.Logs(ld); ld.LogRecordCount() == 0 {
		return "dropped"
	}
	return l.Body().Str()
}

func (c *cluster) await(live *filter.Live, line, want string) {
	c.t.Helper()
	eventually(c.t, func() (string, bool) {
		got := leaves(live, line)
		return fmt.Sprintf("%q becomes %q, want %q", line, got, want), got == want
	})
}

// condition is what an object's status says: status, reason, generation and message.
func (c *cluster) condition(kind, name string) string {
	o, err := c.rules(kind).Get(c.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		return err.Error()
	}
	list, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	if len(list) != 1 {
		return fmt.Sprint(list)
	}
	m := list[0].(map[string]any)
	return fmt.Sprintf("%v=%v %v %v/%d %v", m["type"], m["status"], m["reason"], m["observedGeneration"], o.GetGeneration(), m["message"])
}

func eventually(t *testing.T, ok func() (string, bool)) {
	t.Helper()
	for deadline := time.Now().Add(90 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		state, done := ok()
		if done {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("after 90 s: ", state)
		}
	}
}
