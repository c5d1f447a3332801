package detect

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Rules that events raise triggers by.
const (
	RuleDeployment = "deployment"
	RuleOOMKill    = investigation.RuleOOMKill
	RuleCrashLoop  = investigation.RuleCrashLoop
)

// eventsSQL tells of every event whether its service takes part in any conversation: what happens to the others' processes
// (cron jobs, shells) is no reason to wake anyone.
const eventsSQL = `
SELECT e.time AS time, e.service AS service, e.event_name AS event, e.attributes AS attributes, e.body AS body,
       simpleJSONExtractString(e.resource_json, '` + telemetry.K8sNamespace + `') AS namespace, simpleJSONExtractString(e.resource_json, '` + telemetry.K8sWorkload + `') AS workload,
       e.service IN (
           SELECT service FROM spans WHERE environment = {environment:String} AND kind IN ('client', 'server')
             AND time >= {horizon:DateTime64(9,'UTC')} AND time < {now:DateTime64(9,'UTC')}) AS talks
FROM events AS e
WHERE e.environment = {environment:String} AND e.event_name IN {names:Array(String)}
  AND e.time >= {from:DateTime64(9,'UTC')} AND e.time < {now:DateTime64(9,'UTC')}
ORDER BY e.time, e.service, e.event_name, e.body LIMIT 2000`

type event struct {
	Time       time.Time         `ch:"time"`
	Service    string            `ch:"service"`
	Event      string            `ch:"event"`
	Attributes map[string]string `ch:"attributes"`
	Body       string            `ch:"body"`
	Namespace  string            `ch:"namespace"`
	Workload   string            `ch:"workload"` // kind/name of the process's, in Kubernetes
	Talks      uint8             `ch:"talks"`
}

// entity is what an event is about: in Kubernetes the workload, as the cluster's own triggers name it.
func (e event) entity() telemetry.Entity {
	if e.Namespace != "" && e.Workload != "" {
		return telemetry.Workload(e.Namespace, e.Workload)
	}
	return telemetry.Service(e.Service)
}

func (d *Detector) events(ctx context.Context, from, now time.Time, names ...string) ([]event, error) {
	return rows[event](ctx, d, "events", eventsSQL, param{"from", from}, param{"now", now}, param{"horizon", now.Add(-horizon)}, param{"names", names})
}

// KernelEvents returns triggers for OOM kills and crash loops, and for whatever a Kubernetes cluster says is wrong with its workloads and
// nodes, ordered by id. What kernel and cluster both saw is one trigger, in the cluster's words.
func (d *Detector) KernelEvents(ctx context.Context, now time.Time) ([]investigation.Trigger, error) {
	kernel, err := d.kernelEvents(ctx, now.Add(-max(d.rules.EventAge, d.rules.CrashWindow)), now)
	if err != nil {
		return nil, err
	}
	cluster, err := d.Cluster(ctx, now)
	return once(cluster, kernel), err
}

// once joins triggers; of those that say the same of a service, the first counts.
func once(lists ...[]investigation.Trigger) []investigation.Trigger {
	var out []investigation.Trigger
	for _, t := range slices.Concat(lists...) {
		if !slices.ContainsFunc(out, func(o investigation.Trigger) bool {
			return o.Rule == t.Rule && o.Service == t.Service && o.Entity == t.Entity
		}) {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b investigation.Trigger) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func (d *Detector) kernelEvents(ctx context.Context, from, now time.Time) ([]investigation.Trigger, error) {
	found, err := d.events(ctx, from, now, telemetry.EventOOMKill, telemetry.EventExit)
	if err != nil {
		return nil, err
	}
	var out []investigation.Trigger
	crashes := map[string][]event{}
	killed := map[string]bool{}
	for _, e := range found {
		switch {
		case e.Event == telemetry.EventOOMKill && now.Sub(e.Time) <= d.rules.EventAge && !killed[e.Service]:
			killed[e.Service] = true
			t := d.serviceTrigger(investigation.ClusterEvent, RuleOOMKill, e.Service, e.Time, now)
			t.Entity, t.Severity, t.Value, t.Threshold = e.entity(), investigation.Critical, 1, 1
			t.Summary = fmt.Sprintf("The kernel killed %s for want of memory", e.Service)
			out = append(out, t)
		case e.Event == telemetry.EventExit && e.Talks != 0 && crashed(e) && now.Sub(e.Time) <= d.rules.CrashWindow:
			crashes[e.Service] = append(crashes[e.Service], e)
		}
	}
	for service, exits := range crashes {
		if len(exits) >= d.rules.CrashExits {
			t := d.serviceTrigger(investigation.ClusterEvent, RuleCrashLoop, service, exits[0].Time, now)
			t.Entity, t.Severity, t.Value, t.Threshold = exits[0].entity(), investigation.Critical, float64(len(exits)), float64(d.rules.CrashExits)
			t.Summary = fmt.Sprintf("%s exited %d times in %s", service, len(exits), d.rules.CrashWindow)
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b investigation.Trigger) int { return cmp.Compare(a.ID, b.ID) })
	return out, d.peers(ctx, out, now)
}

// crashed says that a process did not end because someone asked it to.
func crashed(e event) bool {
	switch e.Attributes[telemetry.ExitSignal] {
	case "", "0":
		code := e.Attributes[telemetry.ExitCode]
		return code != "" && code != "0" && code != "143" && code != "130"
	case "1", "2", "15", "SIGHUP", "SIGINT", "SIGTERM", "hangup", "interrupt", "terminated":
		return false
	}
	return true
}
