package builtin

import (
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// TestOnlyTheLastRolloutIsTakenBack: a rollback goes back by one rollout.
func TestOnlyTheLastRolloutIsTakenBack(t *testing.T) {
	change := func(minute int, service, kind string) result.Deployment {
		return result.Deployment{Time: noon.Add(time.Duration(minute) * time.Minute), Service: service, Kind: kind, Namespace: "shop", Workload: "deployment/cart"}
	}
	image, env := change(1, "cart.shop", telemetry.ChangeImage), change(1, "cart.shop", telemetry.ChangeEnv)
	config := change(2, "cart.shop", telemetry.ChangeConfiguration)
	for _, c := range []struct {
		name  string
		all   []result.Deployment
		blame result.Deployment
		want  bool
	}{
		{"the only one", []result.Deployment{image}, image, true},
		{"one of two of a rollout", []result.Deployment{image, env}, image, true},
		{"a ConfigMap changed since", []result.Deployment{image, config}, image, true},
		{"another's rollout since", []result.Deployment{image, change(3, "web.shop", telemetry.ChangeImage)}, image, true},
		{"rolled out since", []result.Deployment{image, change(3, "cart.shop", telemetry.ChangeProbes)}, image, false},
		{"a ConfigMap", []result.Deployment{image, config}, config, false},
	} {
		f := &facts{changes: &result.Changes{Deployments: c.all}}
		f.req.Actions = []investigation.Action{{
			Name: "undo", Kind: investigation.RollbackWorkload, Parameters: []investigation.Parameter{{Name: "workload"}},
		}}
		if got := f.takeBack(workload{"shop", "deployment/cart"}, c.blame, "it was well"); (got != nil) != c.want {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// TestAStuckRolloutIsToldByWhatItsPodsDo: a container that exits cannot be probed either, and that is not what is wrong with it.
func TestAStuckRolloutIsToldByWhatItsPodsDo(t *testing.T) {
	w := workload{"shop", "deployment/web"}
	unhealthy := result.KubernetesEvent{Reason: "Unhealthy", Note: "Readiness probe failed: connection refused"}
	killing := result.KubernetesEvent{Reason: "Killing", Note: "Container app failed liveness probe, will be restarted"}
	exited := result.KubernetesContainer{Name: "app", Restarts: 4, ExitCode: 1, Ended: "Error", State: "CrashLoopBackOff"}
	for _, c := range []struct {
		name      string
		container result.KubernetesContainer
		said      []result.KubernetesEvent
		want      investigation.Mechanism
	}{
		{"its pods exit", exited, []result.KubernetesEvent{unhealthy}, investigation.WrongConfiguration},
		{"its pods are killed by a probe", exited, []result.KubernetesEvent{unhealthy, killing}, investigation.FailingProbe},
		{"its pods run", result.KubernetesContainer{Name: "app", State: "Running"}, []result.KubernetesEvent{unhealthy}, investigation.FailingProbe},
	} {
		f := &facts{
			req:     investigation.Request{Triggers: []investigation.Trigger{{Kind: investigation.ClusterEvent, Rule: investigation.RuleStuckRollout, Entity: w.entity(), Service: w.service(), Onset: noon}}},
			onset:   noon,
			ids:     map[string]string{"recent_changes": "e2"},
			changes: &result.Changes{Deployments: []result.Deployment{{Time: noon, Service: w.service(), Kind: telemetry.ChangeCommand, Before: "server", After: "sever", Namespace: w.namespace, Workload: w.name}}},
		}
		pods := objects{id: "e5", namespace: w.namespace, workload: w.name}
		pods.Kind, pods.Objects = "Pod", []result.KubernetesObject{{Name: "web-1", Containers: []result.KubernetesContainer{c.container}}}
		f.listed = []objects{pods}
		f.told = []events{{id: "e6", namespace: w.namespace, workload: w.name, KubernetesEvents: result.KubernetesEvents{Events: c.said}}}
		all := f.hypotheses()
		if len(all) == 0 || all[0].mechanism != c.want || all[0].culprit != w.entity() {
			t.Errorf("%s: %+v, want %s", c.name, all, c.want)
		}
	}
}
