package tools

import (
	"slices"

	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// maxStatuses bounds how many statuses of a fold are told: the first of them, and the last.
const maxStatuses = 6

// fold makes one of versions that follow each other and are of status alone.
func fold(versions []result.KubernetesChange) []result.KubernetesChange {
	out := []result.KubernetesChange{}
	for _, v := range versions {
		if !v.StatusAlone || v.Action != telemetry.ObjectModified {
			out = append(out, v)
			continue
		}
		if len(out) == 0 || out[len(out)-1].Folded == 0 || out[len(out)-1].UID != v.UID {
			first := v
			first.Folded, first.Differences, first.Omitted = 0, []result.KubernetesDifference{}, 0
			out = append(out, first)
		}
		last := &out[len(out)-1]
		last.Folded++
		last.Until, last.Actor, last.Version, last.Status = v.Time, v.Actor, v.Version, v.Status
		if n := len(last.Statuses); v.Status != "" && (n == 0 || last.Statuses[n-1] != v.Status) {
			last.Statuses = append(last.Statuses, v.Status)
		}
	}
	for i, v := range out {
		if over := len(v.Statuses) - maxStatuses; over > 0 {
			out[i].Statuses = slices.Replace(v.Statuses, maxStatuses-2, maxStatuses-1+over, "…")
		}
	}
	return out
}
