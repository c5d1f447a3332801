package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/midwatch/midwatch/internal/tools/result"
)

func TestMoment(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"": "2026-03-01 12:30:00", "now": "2026-03-01 12:30:00", "10m": "2026-03-01 12:20:00", "03:12": "2026-03-01 03:12:00", "23:50:10": "2026-02-28 23:50:10",
		"2026-02-27 04:05": "2026-02-27 04:05:00", "2026-02-27T04:05:06Z": "2026-02-27 04:05:06",
	} {
		if got, err := moment(text, now); err != nil || got.Format(time.DateTime) != want {
			t.Errorf("%q is %s %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "25:00", "-5m"} {
		if got, err := moment(text, now); err == nil {
			t.Errorf("%q is %s", text, got)
		}
	}
}

// shown is what a writer prints, and says aside.
func shown[T any](t *testing.T, write func(*cobra.Command, T) error, v T) string {
	t.Helper()
	var b bytes.Buffer
	cmd := &cobra.Command{}
	cmd.SetOut(&b)
	cmd.SetErr(&b)
	if err := write(cmd, v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestClusterIsReadable(t *testing.T) {
	at := time.Date(2026, 3, 1, 3, 12, 0, 0, time.UTC)
	for name, c := range map[string]struct{ got, want string }{
		"a list": {
			shown(t, writeObjects, result.KubernetesObjects{At: at, Kind: "Pod", Omitted: 3, Objects: []result.KubernetesObject{
				{Namespace: "shop", Name: "web-1", Ready: "0/1", Status: "CrashLoopBackOff", Restarts: 4, AgeS: 11100, Node: "node1", Images: []string{"shop/web:2"}},
			}}), "shop       web-1  0/1    CrashLoopBackOff  4         3h5m  node1  shop/web:2\n3 more objects are not shown",
		},
		"nothing":           {shown(t, writeObjects, result.KubernetesObjects{At: at, Kind: "Pod"}), "Nothing of kind Pod was there"},
		"a manifest":        {shown(t, writeVersion, result.KubernetesVersion{YAML: "a:\n  b: \x1b[31mhttp://x\n"}), "a:\n  b: [31mhttp://x\n"},
		"a manifest's JSON": {shown(t, writeVersion, result.KubernetesVersion{Manifest: []byte(`{"a":1}`)}), "{\n  \"a\": 1\n}\n"},
		"a history": {
			shown(t, writeHistory, result.KubernetesHistory{Versions: []result.KubernetesChange{{
				Time: at, Action: "modified", Actor: "kubectl", Status: "Progressing", Differences: []result.KubernetesDifference{{Path: "/spec/replicas", Before: "2", After: "5"}},
			}}}), "modified by kubectl, now Progressing\n    /spec/replicas: 2 → 5\n",
		},
		"a difference": {
			shown(t, writeDiff, result.KubernetesDiff{Kind: "ConfigMap", Objects: []result.KubernetesMoved{{Namespace: "shop", Name: "settings", Action: "deleted", Since: at}}}),
			"deleted shop/settings  ConfigMap at ",
		},
		"Events": {
			shown(t, writeEvents, result.KubernetesEvents{Events: []result.KubernetesEvent{{Type: "Warning", Count: 7, Namespace: "shop", Workload: "deployment/web", Reason: "BackOff", Note: "Back-off"}}}),
			"Warning  7      shop       deployment/web  BackOff  Back-off",
		},
		"a Service": {
			shown(t, writeServicePods, result.ServicePods{At: at, Type: "ClusterIP", Address: "10.0.0.1", NotReady: 1, Pods: []result.ServicePod{{Name: "web-1", Status: "Pending"}}}),
			"ClusterIP 10.0.0.1, 0 of 1 ready",
		},
	} {
		if !strings.Contains(c.got, c.want) {
			t.Errorf("%s: %q does not say %q", name, c.got, c.want)
		}
	}
}
