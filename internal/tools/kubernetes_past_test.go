package tools_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/ingest/ingesttest"
	"github.com/midwatch/midwatch/internal/kubernetes/kubernetestest"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/result"
)

func between(from, to time.Duration, more map[string]any) json.RawMessage {
	object := map[string]any{"from": clusterStart.Add(from), "to": clusterStart.Add(to)}
	for k, v := range more {
		object[k] = v
	}
	b, _ := json.Marshal(object)
	return b
}

func TestHistoryOfAnObject(t *testing.T) {
	r := kubernetesTools(t, history())
	args := map[string]any{"kind": "pod", "namespace": "shop", "name": "web-1"}
	lines := func(h result.KubernetesHistory) (out []string) {
		for _, v := range h.Versions {
			out = append(out, fmt.Sprintf("%.0f %s %s %s %s", v.Time.Sub(clusterStart).Seconds(), v.Action, v.Version, v.Status, v.Actor))
		}
		return out
	}
	got := run[result.KubernetesHistory](t, r, "prod", "kubernetes_history", between(0, time.Hour, args))
	want := []string{
		"0 added 100 Pending kubelet", "5 modified 101 Running kubelet", "60 modified 120 CrashLoopBackOff kubelet",
		"120 deleted 121 CrashLoopBackOff kubelet", "120 added 122 Pending kubelet",
	}
	if diff := cmp.Diff(want, lines(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// The first version within a window is compared with the one before it.
	got = run[result.KubernetesHistory](t, r, "prod", "kubernetes_history", between(30*time.Second, 90*time.Second, args))
	if len(got.Versions) != 1 {
		t.Fatalf("got %+v", got)
	}
	change := result.KubernetesDifference{Path: "/status/containerStatuses/web/restartCount", Before: "0", After: "4"}
	if !slices.Contains(got.Versions[0].Differences, change) {
		t.Errorf("%+v lack %+v", got.Versions[0].Differences, change)
	}
}

func TestDiffOfTwoMoments(t *testing.T) {
	r := kubernetesTools(t, history())
	for _, c := range []struct {
		before, after time.Duration
		name, want    string
	}{
		{-time.Minute, 8 * time.Second, "", "web-1 u1 added false"},
		{8 * time.Second, 9 * time.Second, "", ""},
		{8 * time.Second, time.Minute, "web-1", "web-1 u1 modified true"},
		{8 * time.Second, time.Minute, "", "web-1 u1 modified true; web-9 u9 added false"},
		{8 * time.Second, 3 * time.Minute, "web-1", "web-1 u1 deleted false; web-1 u2 added false"},
	} {
		b, _ := json.Marshal(map[string]any{"before": clusterStart.Add(c.before), "after": clusterStart.Add(c.after), "kind": "pods", "name": c.name})
		var lines []string
		for _, o := range run[result.KubernetesDiff](t, r, "prod", "kubernetes_diff", b).Objects {
			lines = append(lines, fmt.Sprintf("%s %s %s %v", o.Name, o.UID, o.Action, len(o.Differences) > 0))
		}
		slices.Sort(lines)
		if got := strings.Join(lines, "; "); got != c.want {
			t.Errorf("%s to %s, %q: got %q, want %q", c.before, c.after, c.name, got, c.want)
		}
	}
}

func TestEventsAreToldTogether(t *testing.T) {
	s := clusterStart
	r := kubernetestest.New("prod")
	for i := range 3 {
		r.Event(kubernetestest.Event{
			Time: s.Add(time.Duration(i) * time.Minute), Namespace: "shop", Kind: "Pod", Name: "web-1", Workload: "deployment/web", Reason: "BackOff", UID: "e1",
			Count: 1 + 4*i, Note: "Back-off restarting failed container web in pod web-1_shop(9c41b6e6-0f4c-4d0e-8a41-5a1de2e1c0aa)",
		})
	}
	for _, e := range []kubernetestest.Event{
		{
			Time: s.Add(time.Minute), Namespace: "shop", Kind: "Pod", Name: "web-2", Workload: "deployment/web", Reason: "BackOff", UID: "e2",
			Note: "Back-off restarting failed container web in pod web-2_shop(1d2f7c11-93c5-4f0b-b1f7-77f0ab3c9d10)",
		},
		{Time: s, Namespace: "shop", Kind: "Pod", Name: "web-1", Workload: "deployment/web", Type: "Normal", Reason: "Pulled", UID: "e3", Note: "Container image present"},
		{Time: s, Kind: "Node", Name: "node1", Reason: "NodeNotReady", UID: "e4", Note: "Node node1 status is now: NodeNotReady"},
	} {
		r.Event(e)
	}
	registry := kubernetesTools(t, r)
	for _, c := range []struct {
		args map[string]any
		want string
	}{
		{nil, "shop deployment/web BackOff 10 web-1,web-2; node/node1 NodeNotReady 1 node1; shop deployment/web Pulled 1 web-1"},
		{map[string]any{"namespace": "shop", "type": "Warning"}, "shop deployment/web BackOff 10 web-1,web-2"},
		{map[string]any{"workload": "deployment/web", "type": "Normal"}, "shop deployment/web Pulled 1 web-1"},
		{map[string]any{"workload": "node/node1"}, "node/node1 NodeNotReady 1 node1"},
		{map[string]any{"kind": "pods", "name": "web-2"}, "shop deployment/web BackOff 1 web-2"},
	} {
		var lines []string
		for _, e := range run[result.KubernetesEvents](t, registry, "prod", "kubernetes_events", between(0, time.Hour, c.args)).Events {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %d %s", e.Namespace, e.Workload, e.Reason, e.Count, strings.Join(e.Objects, ","))))
		}
		if got := strings.Join(lines, "; "); got != c.want {
			t.Errorf("%v: got %q, want %q", c.args, got, c.want)
		}
	}
}

func TestPodsBehindAService(t *testing.T) {
	r, s := history(), clusterStart
	slice := func(version int, ready bool) json.RawMessage {
		return json.RawMessage(fmt.Sprintf(`{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"web-x7","namespace":"shop","uid":"s1","resourceVersion":"%d",
			"labels":{"kubernetes.io/service-name":"web"}},"addressType":"IPv4","endpoints":[{"addresses":["10.99.1.7"],"conditions":{"ready":%v,"serving":%v,"terminating":false},
			"nodeName":"node1","targetRef":{"kind":"Pod","name":"web-1","namespace":"shop"}}],"ports":[{"name":"http","port":8080,"protocol":"TCP"}]}`, version, ready, ready))
	}
	r.Version(kubernetestest.Version{Time: s, Action: telemetry.ObjectAdded, Object: json.RawMessage(
		`{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"shop","uid":"v1","resourceVersion":"50"},"spec":{"type":"ClusterIP","clusterIP":"10.96.4.4"}}`)})
	r.Version(kubernetestest.Version{Time: s.Add(6 * time.Second), Action: telemetry.ObjectAdded, Object: slice(102, true)})
	r.Version(kubernetestest.Version{Time: s.Add(time.Minute), Action: telemetry.ObjectModified, Object: slice(121, false)})
	registry := kubernetesTools(t, r)
	args := map[string]any{"namespace": "shop", "service": "web"}
	for after, want := range map[time.Duration]string{
		time.Second:      "true 10.96.4.4 0 0 ",
		10 * time.Second: "true 10.96.4.4 1 0 web-1 Running 0 deployment/web true",
		time.Minute:      "true 10.96.4.4 0 1 web-1 CrashLoopBackOff 4 deployment/web false",
	} {
		got := run[result.ServicePods](t, registry, "prod", "service_pods", at(s.Add(after), args))
		line := fmt.Sprintf("%v %s %d %d ", got.Exists, got.Address, got.Ready, got.NotReady)
		for _, p := range got.Pods {
			line += fmt.Sprintf("%s %s %d %s %v", p.Name, p.Status, p.Restarts, p.Workload, p.Ready)
		}
		if line != want {
			t.Errorf("after %s: got %q, want %q", after, line, want)
		}
	}
}

// TestChangesOfACluster are told once, with who made them.
func TestChangesOfACluster(t *testing.T) {
	s := clusterStart
	r := kubernetestest.New("prod")
	for range 2 {
		r.Change(kubernetestest.Change{
			Time: s, Event: telemetry.EventDeployment, Namespace: "shop", Kind: "Deployment", Name: "web", What: telemetry.ChangeImage, Before: "shop/web:1", After: "shop/web:2",
			Actor: "kubectl-set", ID: "u1/12/image",
		})
	}
	r.Change(kubernetestest.Change{
		Time: s, Event: telemetry.EventChange, Namespace: "shop", Kind: "Deployment", Name: "web", What: telemetry.ChangeReplicas, Before: "2", After: "5", Actor: "kube-controller-manager",
	})
	r.Event(kubernetestest.Event{Time: s, Namespace: "shop", Kind: "Pod", Name: "web-1", Workload: "deployment/web", Reason: "BackOff"})
	db := storetest.Open(t)
	ingesttest.Logs(t, ingesttest.Client(t, db), r.Logs)
	got := run[result.Changes](t, tools.All(db), "prod", "recent_changes", between(-time.Minute, time.Minute, map[string]any{"service": "web.shop"}))
	if len(got.Deployments) != 1 || got.Deployments[0].Actor != "kubectl-set" || got.Deployments[0].Object != "Deployment/web" || got.Deployments[0].Namespace != "shop" {
		t.Errorf("deployments %+v", got.Deployments)
	}
	if len(got.Cluster) != 1 || got.Cluster[0].After != "5" {
		t.Errorf("changes %+v", got.Cluster)
	}
}
