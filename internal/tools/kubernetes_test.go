package tools_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/ingest/ingesttest"
	"github.com/midwatch/midwatch/internal/kubernetes/kubernetestest"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// clusterStart is a moment some hours ago: the ingester takes nothing that is older than a week.
var clusterStart = time.Now().UTC().Truncate(time.Hour).Add(-3 * time.Hour)

// at are the arguments of a tool that looks at a moment.
func at(m time.Time, more map[string]any) json.RawMessage {
	object := map[string]any{"at": m}
	for k, v := range more {
		object[k] = v
	}
	b, _ := json.Marshal(object)
	return b
}

// pod is one version of a pod of the deployment web.
func pod(namespace, name, uid string, version int, created time.Time, status string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":%q,"namespace":%q,"uid":%q,"resourceVersion":"%d","creationTimestamp":%q,
		"labels":{"app":"web","pod-template-hash":"6b7c"}},"spec":{"nodeName":"node1","containers":[{"name":"web","image":"shop/web:2"}]},"status":%s}`,
		name, namespace, uid, version, created.Format(time.RFC3339), status))
}

const (
	podPending = `{"phase":"Pending"}`
	podRunning = `{"phase":"Running","podIP":"10.99.1.7","containerStatuses":[{"name":"web","ready":true,"started":true,"restartCount":0,"state":{"running":{"startedAt":"2026-03-01T12:00:00Z"}}}]}`
	podLooping = `{"phase":"Running","containerStatuses":[{"name":"web","ready":false,"restartCount":4,"state":{"waiting":{"reason":"CrashLoopBackOff"}},` +
		`"lastState":{"terminated":{"exitCode":137,"reason":"OOMKilled"}}}]}`
)

// kubernetesTools holds the tools over a store into which records went through the ingester.
func kubernetesTools(t *testing.T, r *kubernetestest.Records) *tools.Registry {
	t.Helper()
	db := storetest.Open(t)
	ingesttest.Logs(t, ingesttest.Client(t, db), r.Logs)
	return tools.New(tools.Kubernetes(db)...)
}

// history is one pod's life, another namespace's pod, one that was found by a list, and a node.
func history() *kubernetestest.Records {
	r, s := kubernetestest.New("prod"), clusterStart
	add := func(after time.Duration, action string, object json.RawMessage) {
		r.Version(kubernetestest.Version{Time: s.Add(after), Action: action, Actor: "kubelet", Workload: "deployment/web", Object: object})
	}
	add(0, telemetry.ObjectAdded, pod("shop", "web-1", "u1", 100, s, podPending))
	add(5*time.Second, telemetry.ObjectModified, pod("shop", "web-1", "u1", 101, s, podRunning))
	add(time.Minute, telemetry.ObjectModified, pod("shop", "web-1", "u1", 120, s, podLooping))
	add(2*time.Minute, telemetry.ObjectDeleted, pod("shop", "web-1", "u1", 121, s, podLooping))
	add(2*time.Minute, telemetry.ObjectAdded, pod("shop", "web-1", "u2", 122, s.Add(2*time.Minute), podPending)) // of a StatefulSet, say
	add(10*time.Second, telemetry.ObjectAdded, pod("other", "web-9", "u9", 105, s, podRunning))
	add(10*time.Second, telemetry.ObjectSnapshot, pod("other", "web-9", "u9", 105, s, podRunning)) // told twice
	// Created a month ago, seen first by the list of an exporter that began at the start.
	r.Version(kubernetestest.Version{
		Time: s.AddDate(0, -1, 0), Observed: s, Action: telemetry.ObjectAdded,
		Object: json.RawMessage(fmt.Sprintf(`{"apiVersion":"v1","kind":"Node","metadata":{"name":"node1","uid":"n1","resourceVersion":"7","creationTimestamp":%q},
			"spec":{"unschedulable":true},"status":{"conditions":[{"type":"Ready","status":"True"}]}}`, s.AddDate(0, -1, 0).Format(time.RFC3339))),
	})
	return r
}

func TestListAtAMoment(t *testing.T) {
	r := kubernetesTools(t, history())
	for _, c := range []struct {
		name  string
		after time.Duration
		args  map[string]any
		want  string // name status ready restarts age uid
	}{
		{"before everything", -time.Second, map[string]any{"kind": "pods"}, ""},
		{"as it was made", 0, map[string]any{"kind": "po"}, "web-1 Pending 0/1 0 0 u1"},
		{"running, another namespace too", 10 * time.Second, map[string]any{"kind": "Pod"}, "web-9 Running 1/1 0 10 u9; web-1 Running 1/1 0 10 u1"},
		{"what is ill comes first", 90 * time.Second, map[string]any{"kind": "pod"}, "web-1 CrashLoopBackOff 0/1 4 90 u1; web-9 Running 1/1 0 90 u9"},
		{"one namespace", 90 * time.Second, map[string]any{"kind": "pod", "namespace": "shop"}, "web-1 CrashLoopBackOff 0/1 4 90 u1"},
		{"another of the same name", 2 * time.Minute, map[string]any{"kind": "pod", "namespace": "shop"}, "web-1 Pending 0/1 0 0 u2"},
		{"by name", 90 * time.Second, map[string]any{"kind": "pod", "name": "-9"}, "web-9 Running 1/1 0 90 u9"},
		{"by label", 90 * time.Second, map[string]any{"kind": "pod", "labels": "app=web, pod-template-hash=6b7c", "namespace": "other"}, "web-9 Running 1/1 0 90 u9"},
		{"by a label nobody has", 90 * time.Second, map[string]any{"kind": "pod", "labels": "app=db"}, ""},
		{"by workload", 90 * time.Second, map[string]any{"kind": "pod", "workload": "deployment/api"}, ""},
		{"what was there long before", 0, map[string]any{"kind": "nodes"}, "node1 Ready,SchedulingDisabled  0 2678400 n1"},
	} {
		got := run[result.KubernetesObjects](t, r, "prod", "kubernetes_list", at(clusterStart.Add(c.after), c.args))
		var lines []string
		for _, o := range got.Objects {
			age := o.AgeS
			if o.UID == "n1" {
				age = 2678400 // months differ
			}
			lines = append(lines, fmt.Sprintf("%s %s %s %d %.0f %s", o.Name, o.Status, o.Ready, o.Restarts, age, o.UID))
		}
		shown := strings.Join(lines, "; ")
		if c.name == "running, another namespace too" {
			shown = strings.Join([]string{lines[0], lines[1]}, "; ")
		}
		if shown != c.want {
			t.Errorf("%s: got %q, want %q", c.name, shown, c.want)
		}
	}
	if got := run[result.KubernetesObjects](t, r, "another", "kubernetes_list", at(clusterStart.Add(time.Minute), map[string]any{"kind": "pods"})); len(got.Objects) > 0 {
		t.Errorf("another environment sees %+v", got.Objects)
	}
}

func TestGetAtAMoment(t *testing.T) {
	r := kubernetesTools(t, history())
	args := map[string]any{"kind": "pod", "namespace": "shop", "name": "web-1"}
	got := run[result.KubernetesVersion](t, r, "prod", "kubernetes_get", at(clusterStart.Add(time.Minute), args))
	if got.Object.Status != "CrashLoopBackOff" || got.Object.Version != "120" || got.Actor != "kubelet" || !strings.Contains(string(got.Manifest), `"OOMKilled"`) {
		t.Errorf("got %+v", got)
	}
	args["format"] = "yaml"
	got = run[result.KubernetesVersion](t, r, "prod", "kubernetes_get", at(clusterStart.Add(time.Minute), args))
	if !strings.Contains(got.YAML, "\n  resourceVersion: \"120\"\n") || !strings.Contains(got.YAML, "reason: CrashLoopBackOff") {
		t.Errorf("got %s", got.YAML)
	}
	tool, _ := r.Get("kubernetes_get")
	for _, m := range []time.Time{clusterStart.Add(-time.Second), clusterStart.Add(100 * time.Hour)} {
		if _, err := tool.Run(t.Context(), tools.Scope{Environment: "prod"}, at(m, args)); !errors.Is(err, tools.ErrNoAnswer) {
			t.Errorf("at %s: %v, want no answer", m, err)
		}
	}
}

// TestScopeOfNamespaces: who is limited to a namespace sees it, and nothing that belongs to none.
func TestScopeOfNamespaces(t *testing.T) {
	r := kubernetesTools(t, history())
	tool, _ := r.Get("kubernetes_list")
	for kind, want := range map[string]int{"pods": 1, "nodes": 0} {
		res, err := tool.Run(t.Context(), tools.Scope{Environment: "prod", Namespaces: []string{"shop"}}, at(clusterStart.Add(time.Minute), map[string]any{"kind": kind}))
		if err != nil {
			t.Fatal(err)
		}
		if got := res.Data.(result.KubernetesObjects).Objects; len(got) != want {
			t.Errorf("%s: %+v, want %d", kind, got, want)
		}
	}
}

func TestKubernetesToolsRefuseBadArguments(t *testing.T) {
	r := tools.New(tools.Kubernetes(nil)...)
	for _, name := range r.Names() {
		tool, _ := r.Get(name)
		for _, arguments := range []string{
			``, `[]`, `{}`, `{"at":"yesterday","kind":"pods"}`, `{"at":"2026-01-01T00:00:00Z"}`, `{"at":"2026-01-01T00:00:00Z","kind":"pods","name":"a","labels":"x","format":"x","service":""}`,
			`{"at":"2026-01-01T00:00:00Z","kind":"pods","name":"a","sql":"DROP TABLE spans"}`,
		} {
			if _, err := tool.Run(t.Context(), tools.Scope{}, json.RawMessage(arguments)); !errors.Is(err, tools.ErrArguments) {
				t.Errorf("%s(%s): got %v, want ErrArguments", name, arguments, err)
			}
		}
	}
}
