package detect

import (
	"cmp"
	"fmt"

	"github.com/midwatch/midwatch/internal/kubernetes"
)

// node says that a machine is not ready or short of something. That it takes no more pods is somebody's wish.
func (j judge) node(row clusterRow, n kubernetes.Node) []symptom {
	var out []symptom
	add := func(c kubernetes.Condition, says string) {
		if !j.lasts(c.LastTransitionTime, j.rules.NodeFor) {
			return
		}
		s := row.symptom(RuleNode, c.LastTransitionTime, says, map[string]string{"reason": c.Reason, "message": c.Message, "condition": c.Type, "node": row.Name})
		s.workload, s.host = "", row.Name
		out = append(out, s)
	}
	if ready := n.Ready(); ready.Status == "False" || ready.Status == "Unknown" {
		add(ready, "is not ready: "+cmp.Or(ready.Message, ready.Reason))
	}
	for _, c := range n.Pressure() {
		add(c, fmt.Sprintf("is under %s: %s", c.Type, cmp.Or(c.Message, c.Reason)))
	}
	return out
}
