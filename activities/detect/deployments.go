package detect

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/kubernetes"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Deployments returns a trigger per deployment event of a service that takes part in conversations, oldest first. A rollout in Kubernetes
// counts from when it is done: until then it has changed little, and if it never is, that raises a trigger of its own.
func (d *Detector) Deployments(ctx context.Context, now time.Time) ([]investigation.Trigger, error) {
	found, err := d.events(ctx, now.Add(-max(d.rules.DeploymentAge, d.rules.Cluster.Window)), now, telemetry.EventDeployment)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(e event) bool {
		return e.Talks == 0 || strings.HasPrefix(e.Service, "midwatch-") || !e.rollsOut() && now.Sub(e.Time) > d.rules.DeploymentAge
	})
	if found, err = d.rolledOut(ctx, found, now); err != nil {
		return nil, err
	}
	var out []investigation.Trigger
	for _, e := range found {
		out = append(out, d.deployment(e, now))
	}
	return out, d.peers(ctx, out, now)
}

func (d *Detector) deployment(e event, now time.Time) investigation.Trigger {
	kind := e.Attributes[telemetry.ChangeKind]
	t := investigation.Trigger{
		Kind: investigation.Deployment, Environment: d.cfg.Environment, Rule: RuleDeployment, Entity: telemetry.Service(e.Service),
		Service: e.Service, Severity: investigation.Info, Onset: e.Time.UTC(), At: now.UTC(),
		Summary: fmt.Sprintf("%s: %s changed (%s)", e.Service, cmp.Or(kind, "something"), e.Attributes[telemetry.ChangeFile]),
		Attributes: map[string]string{
			telemetry.ChangeKind: kind, telemetry.ChangeBefore: e.Attributes[telemetry.ChangeBefore],
			telemetry.ChangeAfter: e.Attributes[telemetry.ChangeAfter], telemetry.ChangeFile: e.Attributes[telemetry.ChangeFile],
		},
	}
	t.ID = fmt.Sprintf("%s%s", triggerID(t.Kind, cmp.Or(kind, "change"), e.Service, e.Time), e.Time.UTC().Format("05"))
	return t
}

// rolling are the kinds of objects whose pods are replaced one by one when their template changes.
var rolling = []string{"Deployment", "StatefulSet", "DaemonSet"}

// rollsOut says that a deployment event is the beginning of a rollout, not the end.
func (e event) rollsOut() bool {
	return slices.Contains(rolling, e.Attributes[telemetry.K8sObjectKind])
}

// rollout names what rolls out.
type rollout struct{ kind, namespace, name string }

func (e event) rollout() rollout {
	return rollout{e.Attributes[telemetry.K8sObjectKind], e.Namespace, e.Attributes[telemetry.K8sObjectName]}
}

// rolledOut leaves of rollouts the newest of each object, if it was done lately, and everything else.
func (d *Detector) rolledOut(ctx context.Context, events []event, now time.Time) ([]event, error) {
	newest := map[rollout]time.Time{}
	for _, e := range events {
		if r := e.rollout(); e.rollsOut() && e.Time.After(newest[r]) {
			newest[r] = e.Time
		}
	}
	if len(newest) == 0 {
		return events, nil
	}
	found, err := rows[clusterRow](ctx, d, "rollouts", clusterSQL, param{"kinds", rolling}, param{"from", now.Add(-d.rules.Cluster.Window)}, param{"now", now})
	if err != nil {
		return nil, err
	}
	done := map[rollout]bool{}
	for _, row := range found {
		if now.Sub(row.Since) <= d.rules.DeploymentAge && row.rolledOut(newest) {
			done[row.rollout()] = true
		}
	}
	if err := d.withoutEarlier(ctx, done, newest, now); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(events, func(e event) bool {
		return e.rollsOut() && (!done[e.rollout()] || e.Time.Before(newest[e.rollout()]))
	}), nil
}

func (row clusterRow) rollout() rollout { return rollout{row.Kind, row.Namespace, row.Name} }

// rolledOut says of a version that its rollout is done. One from before the change says nothing of it.
func (row clusterRow) rolledOut(changed map[rollout]time.Time) bool {
	o, err := kubernetes.Parse([]byte(row.Object)) // the ingester stores none that is not read
	return err == nil && kubernetes.WorkloadOf(o).RolledOut() && !row.Since.Before(changed[row.rollout()])
}

const versionsSQL = `
SELECT kind, namespace, name, workload, time AS since, object
FROM k8s_objects
WHERE environment = {environment:String} AND kind IN {kinds:Array(String)} AND namespace IN {namespaces:Array(String)} AND name IN {names:Array(String)}
  AND time >= {from:DateTime64(9,'UTC')} AND time < {until:DateTime64(9,'UTC')}
ORDER BY time LIMIT 2000`

// withoutEarlier takes out the rollouts that were done before, and raised then: a pod that was away and came back, or an autoscaler, makes a version
// that looks as if it had just been done.
func (d *Detector) withoutEarlier(ctx context.Context, done map[rollout]bool, changed map[rollout]time.Time, now time.Time) error {
	from, until := now, now.Add(-d.rules.DeploymentAge)
	var namespaces, names []string
	for r := range done {
		if at := changed[r]; at.Before(until) {
			namespaces, names = append(namespaces, r.namespace), append(names, r.name)
			if at.Before(from) {
				from = at
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	versions, err := rows[clusterRow](ctx, d, "earlier versions of rollouts", versionsSQL, param{"kinds", rolling}, param{"namespaces", namespaces},
		param{"names", names}, param{"from", from}, param{"until", until})
	if err != nil {
		return err
	}
	for _, row := range versions {
		if row.rolledOut(changed) {
			delete(done, row.rollout())
		}
	}
	return nil
}
