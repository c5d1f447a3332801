package kube_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/midwatch/midwatch/collector/exporter"
	"github.com/midwatch/midwatch/collector/kube"
	"github.com/midwatch/midwatch/collector/kube/index"
	"github.com/midwatch/midwatch/ingest"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// stored runs what lies between JetStream and the store until the end of the test, and returns the tools that read it.
func (c *cluster) stored(x *index.Index) *tools.Registry {
	c.t.Helper()
	db := storetest.Open(c.t)
	in, err := ingest.New(ingest.Config{GRPCListen: "127.0.0.1:0", HTTPListen: "127.0.0.1:0", Store: db, TLS: c.js.Identity(pki.Ingester).Server()})
	if err != nil {
		c.t.Fatal(err)
	}
	run(c.t, in.Run)
	addresses, err := in.Addrs(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	id := c.js.Identity(pki.Exporter)
	out, err := exporter.New(exporter.Config{
		JetStreamURL: c.js.URL, JetStreamTLS: id.Client(pki.JetStream), IngesterAddress: addresses.GRPC, IngesterTLS: id.Client(pki.Ingester), Index: x,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	run(c.t, out.Run)
	return tools.New(tools.Kubernetes(db)...)
}

func run(t *testing.T, part func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- part(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// answer asks a tool about the present, or between an hour ago and now.
func answer[T any](t *testing.T, r *tools.Registry, tool string, arguments map[string]any) (v T, err error) {
	t.Helper()
	now := time.Now().Add(time.Second)
	switch tool {
	case "kubernetes_history":
		arguments["from"], arguments["to"] = now.Add(-time.Hour), now
	case "kubernetes_diff":
		arguments["after"] = now
	default:
		arguments["at"] = now
	}
	raw, err := json.Marshal(arguments)
	if err != nil {
		t.Fatal(err)
	}
	what, err := r.Get(tool)
	if err != nil {
		t.Fatal(err)
	}
	res, err := what.Run(t.Context(), tools.Scope{Environment: "test"}, raw)
	if err != nil {
		return v, err
	}
	v, ok := res.Data.(T)
	if !ok {
		t.Fatalf("%s answers with %T", tool, res.Data)
	}
	return v, nil
}

// there waits for an object that a tool tells of.
func there(c *cluster, r *tools.Registry, kind, name string, ok func(result.KubernetesVersion) bool) (v result.KubernetesVersion) {
	c.t.Helper()
	c.eventually(kind+" "+name+" is in the store", func() bool {
		var err error
		v, err = answer[result.KubernetesVersion](c.t, r, "kubernetes_get", map[string]any{"kind": kind, "name": name, "namespace": "default"})
		if err != nil && !errors.Is(err, tools.ErrNoAnswer) {
			c.t.Fatal(err)
		}
		return err == nil && ok(v)
	})
	return v
}

func whatever(result.KubernetesVersion) bool { return true }

// lines are text of a size that does not compress much and looks like no credential.
func lines(size int) string {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for b.Len() < size {
		fmt.Fprintf(&b, "row %d is of %d and %d\n", b.Len(), r.Uint32(), r.Uint32())
	}
	return b.String()[:size]
}

// noise is text of a size that does not compress but to three quarters.
func noise(size int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+ "
	r := rand.New(rand.NewPCG(3, 4))
	b := make([]byte, size)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}

// definition is a CustomResourceDefinition that takes whatever it is given.
func definition(plural, kind string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": plural + ".example.dev"},
		"spec": map[string]any{
			"group": "example.dev", "scope": "Namespaced", "names": map[string]any{"plural": plural, "singular": strings.ToLower(kind), "kind": kind},
			"versions": []any{map[string]any{"name": "v1", "served": true, "storage": true, "schema": map[string]any{
				"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true},
			}}},
		},
	}}
}

// As large as an API server takes them, objects are in the store whole, where a message holds them; else it is known that they were there.
func TestLargeObjectsComeBackFromTheStore(t *testing.T) {
	c := startCluster(t)
	client, err := dynamic.NewForConfig(c.api.Config)
	if err != nil {
		t.Fatal(err)
	}
	w, x, _ := c.watch(func(cfg *kube.Config) {
		cfg.Custom = []kube.CustomResource{{Group: "example.dev", Version: "v1", Resource: "rollouts", Kind: "Rollout"}}
	})
	r := c.stored(x)
	text := lines(1 << 20) // as much as a ConfigMap holds
	if _, err := c.client.CoreV1().ConfigMaps("default").Create(t.Context(), configMap("large", map[string]string{"a": text}), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	v := there(c, r, "configmap", "large", whatever)
	var got struct{ Data map[string]string }
	if err := json.Unmarshal(v.Manifest, &got); err != nil || got.Data["a"] != text {
		t.Errorf("%d bytes came back of %d: %v", len(got.Data["a"]), len(text), err)
	}

	if _, err := client.Resource(definitions).Create(t.Context(), definition("rollouts", "Rollout"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	huge := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "example.dev/v1", "kind": "Rollout", "metadata": map[string]any{"name": "huge"}, "spec": map[string]any{"noise": noise(1_450_000)},
	}}
	c.eventually("the API server takes it", func() bool {
		_, err := client.Resource(rollouts).Namespace("default").Create(t.Context(), huge, metav1.CreateOptions{})
		return err == nil
	})
	v = there(c, r, "rollouts", "huge", whatever)
	if strings.Contains(string(v.Manifest), "noise") || v.Object.UID == "" || w.Stats().Cut != 1 {
		t.Errorf("%d bytes of it came back, %d were cut", len(v.Manifest), w.Stats().Cut)
	}
}

// Fields that nobody here knows, and known ones that are of another shape, are kept and break no question; a definition that vanishes ends what it
// defined, which stays in the past.
func TestObjectsOfUnknownShapeComeBackFromTheStore(t *testing.T) {
	c := startCluster(t)
	client, err := dynamic.NewForConfig(c.api.Config)
	if err != nil {
		t.Fatal(err)
	}
	_, x, _ := c.watch(func(cfg *kube.Config) {
		cfg.Custom = []kube.CustomResource{{Group: "example.dev", Version: "v1", Resource: "rollouts", Kind: "Rollout"}}
	})
	r := c.stored(x)
	if _, err := client.Resource(definitions).Create(t.Context(), definition("rollouts", "Rollout"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	one := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "example.dev/v1", "kind": "Rollout", "metadata": map[string]any{"name": "odd"},
		"spec": []any{"a", int64(1), nil, map[string]any{"name": []any{}}}, "status": "fine", "data": map[string]any{"a/b~c": true},
		"from 2031": map[string]any{"big": int64(9007199254740993), "deep": []any{[]any{map[string]any{"type": int64(3)}}}},
	}}
	c.eventually("the API server takes it", func() bool {
		made, err := client.Resource(rollouts).Namespace("default").Create(t.Context(), one, metav1.CreateOptions{FieldManager: "argo"})
		if err == nil {
			one = made
		}
		return err == nil
	})
	v := there(c, r, "rollout", "odd", whatever)
	for _, field := range []string{`"spec":["a",1,null,{"name":[]}]`, `"status":"fine"`, `"a/b~c":true`, `"big":9007199254740993`, `"deep":[[{"type":3}]]`} {
		if !strings.Contains(string(v.Manifest), field) {
			t.Errorf("%s lacks %s", v.Manifest, field)
		}
	}
	began := time.Now()
	one.Object["spec"], one.Object["status"] = map[string]any{"containers": "none", "replicas": "many"}, map[string]any{"conditions": map[string]any{"Ready": "no"}, "phase": int64(7)}
	changed, err := client.Resource(rollouts).Namespace("default").Update(t.Context(), one, metav1.UpdateOptions{FieldManager: "argo"})
	if err != nil {
		t.Fatal(err)
	}
	there(c, r, "rollout", "odd", func(v result.KubernetesVersion) bool { return v.Object.Version == changed.GetResourceVersion() })
	h, err := answer[result.KubernetesHistory](t, r, "kubernetes_history", map[string]any{"kind": "rollout", "name": "odd", "namespace": "default", "fold": true})
	if err != nil || len(h.Versions) != 2 || h.Versions[1].StatusAlone || len(h.Versions[1].Differences) < 2 {
		t.Errorf("its history is %+v, %v", h, err)
	}
	d, err := answer[result.KubernetesDiff](t, r, "kubernetes_diff", map[string]any{"kind": "rollouts", "before": began})
	if err != nil || len(d.Objects) != 1 || d.Objects[0].Actor != "argo" {
		t.Errorf("the difference is %+v, %v", d, err)
	}

	if err := client.Resource(definitions).Delete(t.Context(), "rollouts.example.dev", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	c.eventually("its end is in the store", func() bool {
		now, err := answer[result.KubernetesObjects](t, r, "kubernetes_list", map[string]any{"kind": "rollouts"})
		return err == nil && len(now.Objects) == 0
	})
	h, err = answer[result.KubernetesHistory](t, r, "kubernetes_history", map[string]any{"kind": "rollout", "name": "odd", "namespace": "default"})
	if err != nil || len(h.Versions) != 3 || h.Versions[2].Action != "deleted" {
		t.Errorf("its history is %+v, %v", h, err)
	}
}
