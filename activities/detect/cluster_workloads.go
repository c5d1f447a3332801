package detect

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/kubernetes"
)

// rollout says whether a workload gets no further, and whether a quota keeps it from having its pods.
func (j judge) rollout(row clusterRow, w kubernetes.Workload) []symptom {
	if w.Spec.Paused || w.Metadata.DeletionTimestamp != nil {
		return nil
	}
	failure := w.Condition("ReplicaFailure")
	if failure.Status == "True" && overQuota(failure.Message) {
		return []symptom{quota(row.symptom(RuleQuota, failure.LastTransitionTime, "gets no more pods: "+failure.Message, map[string]string{"message": failure.Message}))}
	}
	updated, _ := w.Updated()
	progress := w.Condition("Progressing")
	done := fmt.Sprintf("%d of %d pods are of the new version, %d ready", min(updated, w.Wanted()), w.Wanted(), w.Ready())
	a := map[string]string{"reason": progress.Reason, "message": progress.Message}
	switch {
	case progress.Status == "False" && progress.Reason == "ProgressDeadlineExceeded":
		// The deadline is counted from the last progress: that is when it got stuck.
		return []symptom{row.symptom(RuleStuckRollout, progress.LastTransitionTime.Add(-w.Deadline()), "cannot finish its rollout: "+done, a)}
	case w.Status.ObservedGeneration >= w.Metadata.Generation && (updated < w.Wanted() || row.Kind == "Deployment" && w.Status.Replicas > w.Wanted()) &&
		w.Wanted() > 0 && j.lasts(row.Since, j.rules.RolloutFor):
		// Whatever happens in a rollout makes another version of its object: the last one tells since when nothing did.
		a["reason"] = cmp.Or(a["reason"], "NoProgress")
		return []symptom{row.symptom(RuleStuckRollout, row.Since, fmt.Sprintf("makes no progress with its rollout since %s: %s", row.Since.UTC().Format("15:04:05"), done), a)}
	}
	return nil
}

func overQuota(message string) bool { return strings.Contains(message, "exceeded quota") }

// quota is a warning: what runs goes on.
func quota(s symptom) symptom {
	s.severity = investigation.Warning
	return s
}

// job says that a Job was given up lately. That one of its pods failed and is tried again is what Jobs are for.
func (j judge) job(row clusterRow, w kubernetes.Workload) []symptom {
	failed := w.Condition("Failed")
	if failed.Status != "True" || !j.lately(failed.LastTransitionTime) {
		return nil
	}
	return []symptom{row.symptom(RuleJobFailed, failed.LastTransitionTime, fmt.Sprintf("failed: %s (Job %s)", cmp.Or(failed.Message, failed.Reason), row.Name), map[string]string{
		"reason": failed.Reason, "message": failed.Message,
	})}
}

// autoscaler says that a workload would get more pods if it might.
func (j judge) autoscaler(row clusterRow, a kubernetes.Autoscaler) []symptom {
	limited := a.Condition("ScalingLimited")
	if limited.Status != "True" || limited.Reason != "TooManyReplicas" || a.Status.CurrentReplicas < a.Spec.MaxReplicas || !j.lasts(limited.LastTransitionTime, j.rules.CeilingFor) {
		return nil
	}
	row.Workload = strings.ToLower(a.Spec.ScaleTargetRef.Kind) + "/" + a.Spec.ScaleTargetRef.Name
	s := row.symptom(RuleCeiling, limited.LastTransitionTime, fmt.Sprintf("has all the %d pods that its autoscaler %s may give it, and would need more", a.Spec.MaxReplicas, row.Name),
		map[string]string{"autoscaler": row.Name, "message": limited.Message})
	s.severity = investigation.Warning
	return []symptom{s}
}
