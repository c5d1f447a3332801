package tools_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/internal/kubernetes/kubernetestest"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// recordedNight holds the tools over the recorded life of a real cluster, which begins at clusterStart.
func recordedNight(t *testing.T) *tools.Registry {
	t.Helper()
	told, err := kubernetestest.Recording()
	if err != nil {
		t.Fatal(err)
	}
	return kubernetesTools(t, kubernetestest.New("prod").Play(told, clusterStart))
}

// What was asked about a moment before the watching began is told as unknown, by every tool.
func TestBeforeTheWatch(t *testing.T) {
	r := recordedNight(t)
	web := map[string]any{"kind": "deployments", "namespace": "shop", "name": "web", "service": "web"}
	for name, keys := range map[string][]string{
		"kubernetes_list": {"kind"}, "service_pods": {"namespace", "service"}, "kubernetes_history": {"kind", "namespace", "name"}, "kubernetes_events": nil, "kubernetes_diff": {"kind"},
	} {
		for _, c := range []struct {
			from time.Duration
			want bool
		}{{-time.Minute, true}, {time.Minute, false}} {
			arguments := map[string]any{}
			for _, key := range keys {
				arguments[key] = web[key]
			}
			from, to := clusterStart.Add(c.from), clusterStart.Add(time.Hour)
			switch name {
			case "kubernetes_history", "kubernetes_events":
				arguments["from"], arguments["to"] = from, to
			case "kubernetes_diff":
				arguments["before"], arguments["after"] = from, to
			default:
				arguments["at"] = from
			}
			raw, _ := json.Marshal(arguments)
			tool, _ := r.Get(name)
			res, err := tool.Run(t.Context(), tools.Scope{Environment: "prod"}, raw)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			data, _ := json.Marshal(res.Data)
			var got result.Reach
			if err := json.Unmarshal(data, &got); err != nil {
				t.Fatal(err)
			}
			if said := strings.Contains(res.Summary, "nothing is known of before"); said != c.want || got.WatchedSince.IsZero() == c.want || c.want && got.WatchedSince.Sub(clusterStart).Abs() > time.Minute {
				t.Errorf("%s from %s: watched since %s, %s", name, c.from, got.WatchedSince, res.Summary)
			}
		}
	}
	tool, _ := r.Get("kubernetes_get")
	for moment, want := range map[time.Duration]string{-time.Minute: "the cluster is watched since", 0: "there was no Deployment"} {
		_, err := tool.Run(t.Context(), tools.Scope{Environment: "prod"}, at(clusterStart.Add(moment), map[string]any{"kind": "deployment", "namespace": "shop", "name": "web"}))
		if !errors.Is(err, tools.ErrNoAnswer) || !strings.Contains(err.Error(), want) {
			t.Errorf("at %s: %v, want %q", moment, err, want)
		}
	}
}

// Of what is rolled out and watched for minutes, the version that somebody made is not lost among those in which a controller counts.
func TestVersionsOfStatusAreFolded(t *testing.T) {
	r := recordedNight(t)
	args := map[string]any{"kind": "deployment", "namespace": "shop", "name": "web"}
	each := run[result.KubernetesHistory](t, r, "prod", "kubernetes_history", between(-time.Minute, time.Hour, args))
	args["fold"] = true
	folded := run[result.KubernetesHistory](t, r, "prod", "kubernetes_history", between(-time.Minute, time.Hour, args))
	versions, lines := 0, []string{}
	for _, v := range folded.Versions {
		versions += max(1, v.Folded)
		what := fmt.Sprintf("%s by %s", v.Action, v.Actor)
		if v.Folded > 0 {
			what = "status"
			if len(v.Differences) > 0 || v.Until.Before(v.Time) || len(v.Statuses) == 0 || v.Statuses[len(v.Statuses)-1] != v.Status {
				t.Errorf("a fold is %+v", v)
			}
		}
		lines = append(lines, what)
	}
	if versions != len(each.Versions) || versions != 21 {
		t.Errorf("%d versions in folds and beside them, %d each", versions, len(each.Versions))
	}
	if diff := cmp.Diff([]string{"added by kubectl-client-side-apply", "status", "modified by kubectl-set", "status", "modified by kube-controller-manager", "status"}, lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The difference of two moments is of who asked for it, not of the controller that wrote last.
func TestDiffNamesWhoAsked(t *testing.T) {
	r := recordedNight(t)
	for _, c := range []struct {
		kind, name string
		actors     []string
		alone      bool
	}{
		{"deployments", "web", []string{"kubectl-set", "kube-controller-manager"}, false}, // rolled out by one, scaled by the other for an autoscaler
		{"nodes", "node1", []string{"kubectl", "kube-controller-manager"}, false},         // cordoned by one, tainted for it by the other
		{"deployments", "oom", []string{"kube-controller-manager"}, true},
	} {
		raw, _ := json.Marshal(map[string]any{"before": clusterStart.Add(30 * time.Second), "after": clusterStart.Add(2 * time.Minute), "kind": c.kind, "name": c.name})
		got := run[result.KubernetesDiff](t, r, "prod", "kubernetes_diff", raw)
		if len(got.Objects) != 1 {
			t.Fatalf("%s: %+v", c.name, got)
		}
		o := got.Objects[0]
		actors := slices.Clone(o.Actors)
		slices.Sort(actors)
		want := slices.Sorted(slices.Values(c.actors))
		if !slices.Equal(actors, want) || o.Actor != o.Actors[0] || o.StatusAlone != c.alone {
			t.Errorf("%s was changed by %q, last by %s, status alone %t; want %q, %t", c.name, o.Actors, o.Actor, o.StatusAlone, c.actors, c.alone)
		}
	}
}

// settings are versions of a ConfigMap: of one a variable and a line of a file change, of the next a value that is masked.
func settings() *kubernetestest.Records {
	r := kubernetestest.New("prod")
	long := strings.Repeat("x", 600)
	for i, data := range []string{
		`{"HOST":"http://db-1","app.conf":"[http]\ntimeout = 30s\nretries = 3\nport = 8080\n","PASSWORD":"****","LONG":"` + long + `1"}`,
		`{"HOST":"http://db-2","app.conf":"[http]\ntimeout = 3s\nretries = 3\nport = 8080\n","PASSWORD":"****","LONG":"` + long + `2"}`,
		`{"HOST":"http://db-2","app.conf":"[http]\ntimeout = 3s\nretries = 3\nport = 8080\n","PASSWORD":"****","LONG":"` + long + `2"}`,
	} {
		v := kubernetestest.Version{
			Time: clusterStart.Add(time.Duration(i) * time.Minute), Action: telemetry.ObjectModified, Actor: fmt.Sprintf("kubectl-%d", i),
			Diff: []string{"", `[{"path":"/data/HOST","before":"http://db-1","after":"http://db-2"}]`, `[{"path":"/data/PASSWORD","before":"****","after":"****"}]`}[i],
			Object: json.RawMessage(fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings","namespace":"shop","uid":"c1","resourceVersion":"%d"},"data":%s}`,
				10+i, data)),
		}
		if i == 0 {
			v.Action = telemetry.ObjectAdded
		}
		r.Version(v)
	}
	return r
}

func TestConfigMapTellsWhichKeysChanged(t *testing.T) {
	r := kubernetesTools(t, settings())
	masked := result.KubernetesDifference{Path: "/data/PASSWORD", Before: "****", After: "****"}
	rest := "…" + strings.Repeat("x", 40)
	open := []result.KubernetesDifference{
		{Path: "/data/HOST", Before: "http://db-1", After: "http://db-2"},
		{Path: "/data/LONG", Before: rest + "1", After: rest + "2"},
		{
			Path: "/data/app.conf", Before: "[http]\ntimeout = 30s\nretries = 3\nport = 8080\n", After: "[http]\ntimeout = 3s\nretries = 3\nport = 8080\n",
			Lines: "@@ -1,3 +1,3 @@\n [http]\n-timeout = 30s\n+timeout = 3s\n retries = 3\n",
		},
	}
	args := map[string]any{"kind": "cm", "namespace": "shop", "name": "settings"}
	h := run[result.KubernetesHistory](t, r, "prod", "kubernetes_history", between(0, time.Hour, args))
	if len(h.Versions) != 3 {
		t.Fatalf("got %+v", h)
	}
	if diff := cmp.Diff(open, h.Versions[1].Differences); diff != "" {
		t.Errorf("the second version (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]result.KubernetesDifference{masked}, h.Versions[2].Differences); diff != "" || h.Versions[2].StatusAlone {
		t.Errorf("the third version (-want +got):\n%s", diff)
	}
	raw, _ := json.Marshal(map[string]any{"before": clusterStart.Add(time.Second), "after": clusterStart.Add(time.Hour), "kind": "configmaps"})
	d := run[result.KubernetesDiff](t, r, "prod", "kubernetes_diff", raw)
	if len(d.Objects) != 1 || !slices.Equal(d.Objects[0].Actors, []string{"kubectl-2", "kubectl-1"}) {
		t.Fatalf("got %+v", d)
	}
	if diff := cmp.Diff(append(open, masked), d.Objects[0].Differences); diff != "" {
		t.Errorf("between two moments (-want +got):\n%s", diff)
	}
}
