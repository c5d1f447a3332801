package builtin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// unschedulable: no node takes the pods of a workload; a node that was cordoned or is under pressure is why, or what they ask for is.
func unschedulable(f *facts) []hypothesis {
	var out []hypothesis
	for _, w := range f.workloads() {
		pods, listed := f.pods(w)
		if _, asked := f.raised(w, "pending"); !asked || !listed {
			continue
		}
		i := slices.IndexFunc(pods.Objects, func(o result.KubernetesObject) bool { return o.Status == "Pending" && o.Node == "" && o.Message != "" })
		if i < 0 {
			continue
		}
		out = append(out, f.homeless(w, pods.id, pods.Objects[i]))
	}
	return out
}

func (f *facts) homeless(w workload, id string, o result.KubernetesObject) hypothesis {
	h := hypothesis{
		culprit: w.entity(), service: w.service(), mechanism: investigation.Unschedulable, confidence: 0.8, told: true,
		title: fmt.Sprintf("No node takes the pods of %s: %s", w, clip(o.Message, 160)),
	}
	h.summary = fmt.Sprintf("Pods of %s wait for a node: %s", w, clip(o.Message, 300))
	if nodes, ok := f.nodes(); ok {
		f.closedNode(&h, w, nodes)
	}
	if d, changed := f.rolled(w, telemetry.ChangeResources, telemetry.ChangeTemplate); changed && h.culprit == w.entity() {
		h.confidence = 0.93
		f.rolloutClaim(&h, w, d)
		h.fix = f.takeBack(w, d, "What ran before had room.")
		h.summary += " " + f.sentence(w, d) + "."
	}
	h.claim(fmt.Sprintf("%s waits for a node: %s", o.Name, clip(o.Message, 300)), id,
		some(id, "objects", is("name", o.Name), is("status", "Pending"), `x["node"] == ""`, `x["message"] != ""`))
	return h
}

// closedNode blames a node that takes no pods, if the scheduler's words fit it.
func (f *facts) closedNode(h *hypothesis, w workload, nodes objects) {
	for _, n := range nodes.Objects {
		if n.Status == "Ready" || !strings.Contains(h.summary, "unschedulable") && !strings.Contains(h.summary, "taint") && !strings.Contains(h.summary, "nodes are available") {
			continue
		}
		state := "is " + n.Status
		if strings.Contains(n.Status, "SchedulingDisabled") {
			state = "takes no new pods (cordoned)"
			h.fix = f.draft(investigation.UncordonNode, w.service(), map[string]string{"node": n.Name}, "It took pods before.")
		}
		h.culprit, h.confidence = telemetry.Host(n.Name), 0.88
		if changes := f.ids["recent_changes"]; f.changes != nil {
			for _, d := range f.changes.Cluster {
				if d.Object != "Node/"+n.Name || d.Kind != telemetry.ChangeNode || d.Time.After(f.fault.To) {
					continue
				}
				h.confidence = 0.95
				by := ""
				if d.Actor != "" {
					by = ", by " + d.Actor
				}
				h.claim(fmt.Sprintf("Node %s changed at %s from %s to %s%s.", n.Name, d.Time.Format("15:04:05"), orNothing(clip(d.Before, 120)), orNothing(clip(d.After, 120)), by),
					changes, some(changes, "cluster_changes", is("object", d.Object), is("kind", d.Kind)))
				state += " since " + d.Time.Format("15:04:05") + by
				break
			}
		}
		h.claim(fmt.Sprintf("Node %s %s.", n.Name, state), nodes.id, some(nodes.id, "objects", is("name", n.Name), is("status", n.Status)))
		h.title = fmt.Sprintf("Pods of %s wait because node %s %s", w, n.Name, state)
		h.summary += fmt.Sprintf(" Node %s %s.", n.Name, state)
		return
	}
}
