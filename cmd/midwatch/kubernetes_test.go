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

// What happened to an object is read at night: one line for what controllers count, who changed what for the rest, values as they are.
func TestChangesAreReadable(t *testing.T) {
	at := time.Date(2026, 3, 1, 3, 10, 2, 0, time.Local)
	after := func(d time.Duration) time.Time { return at.Add(d) }
	replicas := []result.KubernetesDifference{{Path: "/spec/replicas", Before: "2", After: "5"}}
	status := result.KubernetesDifference{Path: "/status/readyReplicas", Before: "2", After: "5"}
	ended := []result.KubernetesDifference{{Path: "/metadata/deletionTimestamp", After: "2026-03-01T03:12:50Z"}}
	history := func(v ...result.KubernetesChange) string {
		return shown(t, writeHistory, result.KubernetesHistory{Versions: v})
	}
	diff := func(o ...result.KubernetesMoved) string {
		return shown(t, func(cmd *cobra.Command, d result.KubernetesDiff) error { return writeDiff(cmd, d, false) }, result.KubernetesDiff{Kind: "Deployment", Objects: o})
	}
	reach := result.Reach{WatchedSince: at}
	for name, c := range map[string]struct{ got, want string }{
		"a version": {
			history(result.KubernetesChange{Time: at, Action: "modified", Actor: "kubectl", Status: "Progressing", Differences: replicas}),
			"2026-03-01 03:10:02  modified by kubectl, now Progressing\n    /spec/replicas: 2 → 5\n",
		},
		"a fold": {
			history(result.KubernetesChange{Time: at, Until: after(158 * time.Second), Action: "modified", Folded: 12, Status: "CrashLoopBackOff", Statuses: []string{"Running", "CrashLoopBackOff"}}),
			"2026-03-01 03:10:02-03:12:40  12 versions of status alone: Running → CrashLoopBackOff\n--all shows each version",
		},
		"a fold of one": {
			history(result.KubernetesChange{Time: at, Until: at, Action: "modified", Folded: 1, Status: "Running", Statuses: []string{"Running"}}),
			"2026-03-01 03:10:02  1 version of status alone, now Running\n",
		},
		"a fold over midnight": {
			history(result.KubernetesChange{Time: at, Until: after(24 * time.Hour), Folded: 2}), "2026-03-01 03:10:02 - 2026-03-02 03:10:02  2 versions of status alone\n",
		},
		"an end": {
			history(result.KubernetesChange{Time: at, Action: "modified", Status: "Terminating", Differences: ended}, result.KubernetesChange{Time: after(time.Second), Action: "deleted", Status: "Terminating"}),
			"2026-03-01 03:10:02  marked for deletion, now Terminating\n    /metadata/deletionTimestamp: (none) → 2026-03-01T03:12:50Z\n2026-03-01 03:10:03  deleted, it was Terminating\n" + whoDeletes + "\n",
		},
		"nobody is named": {history(result.KubernetesChange{Time: at, Action: "added"}), "added, it does not say by whom\n"},
		"a file and a secret": {
			history(result.KubernetesChange{Time: at, Action: "modified", Actor: "helm", Differences: []result.KubernetesDifference{
				{Path: "/data/URL", Before: "http://www.a.example/?q=1", After: "https://b.example"},
				{Path: "/data/PASSWORD", Before: "****", After: "****"},
				{Path: "/data/app.conf", Before: "a\nb\n", After: "a\nc\x1b[31m\n", Lines: "@@ -1,2 +1,2 @@\n a\n-b\n+c\x1b[31m\n"},
			}}),
			"    /data/URL: http://www.a.example/?q=1 → https://b.example\n    /data/PASSWORD: what is masked changed\n" +
				"    /data/app.conf:\n        @@ -1,2 +1,2 @@\n         a\n        -b\n        +c[31m\n",
		},
		"before the watch": {
			shown(t, writeHistory, result.KubernetesHistory{Reach: reach}), "Watched since 2026-03-01 03:10:02; of before is known only what had not changed until then.\nNo change of it was recorded",
		},
		"nothing before the watch":    {shown(t, writeObjects, result.KubernetesObjects{Reach: reach, Kind: "Pod"}), "Watched since 2026-03-01 03:10:02; nothing is known of before.\n"},
		"no Service before the watch": {shown(t, writeServicePods, result.ServicePods{Reach: reach}), "Watched since 2026-03-01 03:10:02; nothing is known of before.\n"},
		"no Service":                  {shown(t, writeServicePods, result.ServicePods{At: at}), "There was no such Service at 2026-03-01 03:10:02."},
		"a difference": {
			diff(result.KubernetesMoved{
				Namespace: "shop", Name: "web", Action: "modified", Since: at, Actor: "helm", Actors: []string{"helm", "kubectl"},
				Differences: append(replicas, status),
			}),
			"modified shop/web  Deployment at 2026-03-01 03:10:02 by helm, kubectl\n    /spec/replicas: 2 → 5\n    and 1 more of status (--all)\n",
		},
		"a difference of status": {
			diff(result.KubernetesMoved{Name: "web", Action: "modified", Since: at, Actor: "kube-controller-manager", StatusAlone: true, Differences: []result.KubernetesDifference{status}, Omitted: 3}),
			"modified web  Deployment at 2026-03-01 03:10:02 by kube-controller-manager, status alone\n    /status/readyReplicas: 2 → 5\n    and 3 more\n",
		},
		"what was undone": {
			diff(result.KubernetesMoved{Name: "web", Action: "modified", Since: at, Actor: "helm", StatusAlone: true, Reverted: true, Differences: []result.KubernetesDifference{
				{Path: "/status/conditions/Ready/lastUpdateTime", Before: "1", After: "2"},
			}}),
			"modified web  Deployment at 2026-03-01 03:10:02 by helm, and is as it was but for status\n    and 1 more of status (--all)\n",
		},
		"what is gone": {diff(result.KubernetesMoved{Namespace: "shop", Name: "web", Action: "deleted", Since: at}), "deleted shop/web  Deployment at 2026-03-01 03:10:02\n" + whoDeletes},
	} {
		if !strings.Contains(c.got, c.want) {
			t.Errorf("%s:\n%s\ndoes not say\n%s", name, c.got, c.want)
		}
	}
}
