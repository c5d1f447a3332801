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

// Rules that a cluster's objects and Events raise triggers by, besides RuleOOMKill and RuleCrashLoop.
const (
	RuleImagePull      = investigation.RuleImagePull
	RuleContainerStart = investigation.RuleContainerStart
	RulePending        = investigation.RulePending
	RuleProbe          = investigation.RuleProbe
	RuleEvicted        = investigation.RuleEvicted
	RuleNode           = investigation.RuleNode
	RuleJobFailed      = investigation.RuleJobFailed
	RuleStuckRollout   = investigation.RuleStuckRollout
	RuleQuota          = investigation.RuleQuota
	RuleCeiling        = investigation.RuleCeiling
)

// ClusterRules are the thresholds for what happens in a Kubernetes cluster: how long each state may last that ordinary life has, too.
type ClusterRules struct {
	Window      time.Duration `yaml:"window"`       // objects that changed within it are judged; what lasts longer was raised before
	EventAge    time.Duration `yaml:"event_age"`    // what happens at a moment (a kill, an eviction, a failed Job) is raised for so long
	Restarts    int           `yaml:"restarts"`     // of a container that waits in CrashLoopBackOff
	ErrorFor    time.Duration `yaml:"error_for"`    // an image cannot be pulled, a container cannot be made
	PendingFor  time.Duration `yaml:"pending_for"`  // no node takes a pod
	CreatingFor time.Duration `yaml:"creating_for"` // a pod has a node and no containers yet
	NotReadyFor time.Duration `yaml:"unready_for"`  // a container runs and its readiness probe fails
	Liveness    int           `yaml:"liveness"`     // failures of liveness probes of a workload within event_age
	NodeFor     time.Duration `yaml:"node_for"`     // a node is not ready or under pressure
	RolloutFor  time.Duration `yaml:"rollout_for"`  // a rollout makes no progress, whatever deadline it has
	CeilingFor  time.Duration `yaml:"ceiling_for"`  // an autoscaler would go further than it may
}

func defaultCluster() ClusterRules {
	return ClusterRules{
		Window: 20 * time.Minute, EventAge: 2 * time.Minute, Restarts: 2, ErrorFor: 30 * time.Second, PendingFor: time.Minute, CreatingFor: 5 * time.Minute,
		NotReadyFor: 90 * time.Second, Liveness: 3, NodeFor: 30 * time.Second, RolloutFor: 5 * time.Minute, CeilingFor: 2 * time.Minute,
	}
}

// clusterSQL is the last version of every object that changed lately and is still there; of pods only those in which something may be
// wrong, for most are well.
const clusterSQL = `
SELECT kind, namespace, name, workload, time AS since, object
FROM k8s_objects
WHERE environment = {environment:String} AND kind IN {kinds:Array(String)} AND time >= {from:DateTime64(9,'UTC')} AND time <= {now:DateTime64(9,'UTC')}
  AND (uid, time, resource_version) IN (
      SELECT uid, held.1, held.2 FROM (
          SELECT uid, argMax((time, resource_version, action), (time, toUInt64OrZero(resource_version), action = 'deleted')) AS held
          FROM k8s_objects
          WHERE environment = {environment:String} AND kind IN {kinds:Array(String)}
            AND time >= {from:DateTime64(9,'UTC')} AND time <= {now:DateTime64(9,'UTC')}
          GROUP BY uid)
      WHERE held.3 != 'deleted')
  AND (kind != 'Pod' OR multiSearchAny(object, ['"waiting"', '"terminated"', '"ready":false', '"ready": false', '"Pending"', '"Failed"']))
ORDER BY kind, namespace, name, since LIMIT 1 BY uid LIMIT 5000`

// clusterKinds are those that are judged.
var clusterKinds = []string{"Pod", "Deployment", "StatefulSet", "DaemonSet", "Job", "Node", "HorizontalPodAutoscaler"}

type clusterRow struct {
	Kind      string    `ch:"kind"`
	Namespace string    `ch:"namespace"`
	Name      string    `ch:"name"`
	Workload  string    `ch:"workload"`
	Since     time.Time `ch:"since"`
	Object    string    `ch:"object"`
}

// symptom is what is wrong with one object.
type symptom struct {
	rule       string
	namespace  string
	workload   string // kind/name; "" with host
	host       string
	object     string // pod/web-1
	onset      time.Time
	says       string // what happens, after the name of the workload
	severity   investigation.Severity
	attributes map[string]string
}

// Cluster returns what the objects and Events of a Kubernetes cluster say is wrong now, a trigger per rule and workload, ordered by id.
// Without a cluster there is nothing.
func (d *Detector) Cluster(ctx context.Context, now time.Time) ([]investigation.Trigger, error) {
	return d.cluster(ctx, now.Add(-d.rules.Cluster.Window), now.Add(-d.rules.Cluster.EventAge), now)
}

// cluster judges the objects that changed since from, and what happened since happened.
func (d *Detector) cluster(ctx context.Context, from, happened, now time.Time) ([]investigation.Trigger, error) {
	found, err := rows[clusterRow](ctx, d, "objects that are not well", clusterSQL, param{"kinds", clusterKinds}, param{"from", from}, param{"now", now})
	if err != nil {
		return nil, err
	}
	objects := map[int]kubernetes.Object{}
	var pods []kubernetes.Pod
	for i, row := range found {
		o, err := kubernetes.Parse([]byte(row.Object))
		if err != nil {
			continue // the ingester stores none such
		}
		if objects[i] = o; row.Kind == "Pod" {
			pods = append(pods, kubernetes.PodOf(o))
		}
	}
	earlier, err := d.runs(ctx, pods, now)
	if err != nil {
		return nil, err
	}
	j := judge{rules: d.rules.Cluster, happened: happened, now: now, runs: earlier}
	var symptoms []symptom
	for i, row := range found {
		if o, read := objects[i]; read {
			symptoms = append(symptoms, j.object(row, o)...)
		}
	}
	told, err := d.clusterEvents(ctx, happened, now)
	if err != nil {
		return nil, err
	}
	symptoms = append(symptoms, j.events(told)...)
	out := d.clusterTriggers(symptoms, now)
	return out, d.peers(ctx, out, now)
}

// judge knows when something is wrong.
type judge struct {
	rules         ClusterRules
	happened, now time.Time
	runs          runs
}

func (j judge) object(row clusterRow, o kubernetes.Object) []symptom {
	if row.Workload == "" {
		row.Workload = strings.ToLower(row.Kind) + "/" + row.Name
	}
	switch row.Kind {
	case "Pod":
		return j.pod(row, kubernetes.PodOf(o))
	case "Deployment", "StatefulSet", "DaemonSet":
		return j.rollout(row, kubernetes.WorkloadOf(o))
	case "Job":
		return j.job(row, kubernetes.WorkloadOf(o))
	case "Node":
		return j.node(row, kubernetes.NodeOf(o))
	}
	return j.autoscaler(row, kubernetes.AutoscalerOf(o))
}

// lasts says that something that began at a moment goes on for so long. What does not say when it began has just begun.
func (j judge) lasts(began time.Time, least time.Duration) bool {
	return !began.IsZero() && j.now.Sub(began) >= least
}

// lately says that something happened within the time in which it is raised.
func (j judge) lately(at time.Time) bool {
	return at.After(j.happened) && !at.After(j.now.Add(time.Minute))
}

// symptom fills what all symptoms of an object share.
func (row clusterRow) symptom(rule string, onset time.Time, says string, attributes map[string]string) symptom {
	if attributes == nil {
		attributes = map[string]string{}
	}
	attributes["namespace"], attributes["workload"], attributes["object"] = row.Namespace, row.Workload, strings.ToLower(row.Kind)+"/"+row.Name
	return symptom{
		rule: rule, namespace: row.Namespace, workload: row.Workload, object: attributes["object"], onset: onset, says: says,
		severity: investigation.Critical, attributes: attributes,
	}
}

type symptomKey struct{ rule, namespace, workload, host string }

// clusterTriggers makes one trigger of all symptoms that a rule finds on a workload or a node: the earliest counts, and how many there are.
func (d *Detector) clusterTriggers(symptoms []symptom, now time.Time) []investigation.Trigger {
	groups := map[symptomKey][]symptom{}
	for _, s := range symptoms {
		key := symptomKey{s.rule, s.namespace, s.workload, s.host}
		groups[key] = append(groups[key], s)
	}
	out := []investigation.Trigger{}
	for key, group := range groups {
		slices.SortFunc(group, func(a, b symptom) int { return cmp.Or(a.onset.Compare(b.onset), cmp.Compare(a.object, b.object)) })
		first := group[0]
		objects := map[string]bool{}
		for _, s := range group {
			objects[s.object] = true
		}
		service, entity, subject, name := "", telemetry.Host(key.host), key.host, "node "+key.host
		if key.host == "" {
			_, plain, _ := strings.Cut(key.workload, "/")
			service, entity = telemetry.ServiceOf(key.namespace, plain), telemetry.Workload(key.namespace, key.workload)
			subject, name = service, fmt.Sprintf("%s in %s", key.workload, key.namespace)
		}
		if strings.HasPrefix(service, "midwatch-") {
			continue // Midwatch's own parts
		}
		onset := d.onsets.settle(key.rule, subject, first.onset, now)
		t := investigation.Trigger{
			ID: triggerID(investigation.ClusterEvent, key.rule, subject, onset), Kind: investigation.ClusterEvent, Environment: d.cfg.Environment, Rule: key.rule,
			Entity: entity, Service: service, Severity: first.severity, Onset: onset.UTC(), At: now.UTC(), Value: float64(len(objects)), Threshold: 1,
			Summary: name + " " + first.says, Attributes: first.attributes,
		}
		if len(objects) > 1 {
			t.Summary += fmt.Sprintf(" (%d of them)", len(objects))
		}
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b investigation.Trigger) int { return cmp.Compare(a.ID, b.ID) })
	return out
}
