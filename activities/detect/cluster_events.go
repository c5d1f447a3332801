package detect

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// clusterEventsSQL are the Events that say what no object does: why a kubelet killed a container, why a controller made no pod.
const clusterEventsSQL = `
SELECT simpleJSONExtractString(resource_json, '` + telemetry.K8sNamespace + `') AS namespace, attributes['` + telemetry.ObjectWorkload + `'] AS workload, attributes['` + telemetry.K8sObjectKind + `'] AS kind,
       attributes['` + telemetry.K8sObjectName + `'] AS name, attributes['` + telemetry.K8sEventReason + `'] AS reason, substring(body, 1, 2000) AS note,
       attributes['` + telemetry.K8sFieldPath + `'] AS field, attributes['` + telemetry.K8sEventUID + `'] AS event,
       min(time) AS first, toInt64(count()) AS told, max(toInt64OrZero(attributes['` + telemetry.K8sEventCount + `'])) - min(toInt64OrZero(attributes['` + telemetry.K8sEventCount + `'])) AS more
FROM events
WHERE environment = {environment:String} AND event_name = '` + telemetry.EventKubernetes + `' AND time > {from:DateTime64(9,'UTC')} AND time <= {now:DateTime64(9,'UTC')}
  AND reason IN ('Unhealthy', 'Killing', 'FailedCreate')
GROUP BY namespace, workload, kind, name, reason, note, field, event ORDER BY first, namespace, name, reason, note LIMIT 2000`

type clusterEvent struct {
	Namespace string    `ch:"namespace"`
	Workload  string    `ch:"workload"`
	Kind      string    `ch:"kind"`
	Name      string    `ch:"name"`
	Reason    string    `ch:"reason"`
	Note      string    `ch:"note"`
	Field     string    `ch:"field"`
	Event     string    `ch:"event"`
	First     time.Time `ch:"first"`
	Told      int64     `ch:"told"`
	More      int64     `ch:"more"` // than when it was told first
}

// times is how often it happened within the window.
func (e clusterEvent) times() int { return int(max(e.Told, e.More+1)) }

func (d *Detector) clusterEvents(ctx context.Context, from, now time.Time) ([]clusterEvent, error) {
	return rows[clusterEvent](ctx, d, "Events of the cluster", clusterEventsSQL, param{"from", from}, param{"now", now})
}

// events says what Events tell of probes and quotas.
func (j judge) events(told []clusterEvent) []symptom {
	var out []symptom
	failures := map[string]int{} // of liveness probes, by workload
	for _, e := range told {
		if e.Reason == "Unhealthy" && strings.HasPrefix(e.Note, "Liveness probe") {
			failures[e.Namespace+"/"+e.Workload] += e.times()
		}
	}
	for _, e := range told {
		row := clusterRow{Kind: e.Kind, Namespace: e.Namespace, Name: e.Name, Workload: e.Workload}
		if row.Workload == "" {
			row.Workload = strings.ToLower(e.Kind) + "/" + e.Name
		}
		container := strings.TrimSuffix(strings.TrimPrefix(e.Field, "spec.containers{"), "}")
		switch {
		case e.Reason == "FailedCreate" && overQuota(e.Note):
			out = append(out, quota(row.symptom(RuleQuota, e.First, "gets no more pods: "+e.Note, map[string]string{"message": e.Note})))
		case e.Reason == "Killing" && strings.Contains(e.Note, "failed liveness probe"),
			e.Reason == "Unhealthy" && strings.HasPrefix(e.Note, "Liveness probe") && failures[e.Namespace+"/"+e.Workload] >= j.rules.Liveness:
			out = append(out, row.symptom(RuleProbe, e.First, fmt.Sprintf("fails its liveness probe: %s", e.Note), map[string]string{
				"container": container, "probe": "liveness", "message": e.Note,
			}))
		}
	}
	return out
}
