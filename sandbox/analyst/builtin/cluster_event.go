package builtin

import (
	"fmt"

	"github.com/midwatch/midwatch/internal/investigation"
)

// clusterMechanisms are what triggers of a cluster are a case of that no other rule explains: their own words are the explanation.
var clusterMechanisms = map[string]investigation.Mechanism{
	"quota": investigation.ResourceExhausted, "autoscaler_ceiling": investigation.ResourceExhausted, "evicted": investigation.ResourceExhausted,
	"job_failed": investigation.CrashLoop, "stuck_rollout": investigation.BadDeployment, "pending": investigation.Unschedulable,
}

// clusterEvent: the cluster says what is wrong with a workload, in warnings that it did not give before.
func clusterEvent(f *facts) []hypothesis {
	var out []hypothesis
	for _, w := range f.workloads() {
		for _, t := range f.req.Triggers {
			mechanism, known := clusterMechanisms[t.Rule]
			if t.Entity != w.entity() || !known {
				continue
			}
			h := hypothesis{
				culprit: w.entity(), service: w.service(), mechanism: mechanism, confidence: 0.52, told: true,
				title: clip(t.Summary, 200), summary: clip(t.Summary, 400) + ".",
			}
			d, changed := f.rolled(w)
			if changed {
				h.confidence = 0.62
				f.rolloutClaim(&h, w, d)
				h.summary += " " + f.sentence(w, d) + "."
			}
			for _, l := range f.told {
				if l.namespace != w.namespace || l.workload != w.name {
					continue
				}
				for _, e := range l.Events[:min(len(l.Events), 3)] {
					if e.Type == "Warning" {
						h.claim(fmt.Sprintf("The cluster says of %s %s: %s (%s)", e.Kind, times(int(e.Count)), clip(e.Note, 300), e.Reason), l.id,
							some(l.id, "events", is("reason", e.Reason), is("type", "Warning")))
					}
				}
			}
			if len(h.chain) > 0 {
				out = append(out, h)
			}
			break
		}
	}
	return out
}
