package detect

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/kubernetes"
)

// Reasons by which a container waits that cannot be made, by what they are a case of.
var waitingRules = map[string]string{
	"ErrImagePull": RuleImagePull, "ImagePullBackOff": RuleImagePull, "InvalidImageName": RuleImagePull, "ErrImageNeverPull": RuleImagePull,
	"ImageInspectError": RuleImagePull, "RegistryUnavailable": RuleImagePull,
	"CreateContainerConfigError": RuleContainerStart, "CreateContainerError": RuleContainerStart, "RunContainerError": RuleContainerStart,
}

// oomKilled is the reason of a container's end whom the kernel killed for want of memory.
const oomKilled = "OOMKilled"

// disruptions are the reasons of a pod's condition DisruptionTarget that nobody asked for. One that somebody did, a drain, is ordinary.
var disruptions = []string{"TerminationByKubelet", "DeletionByTaintManager", "PreemptionByScheduler"}

// pod says what is wrong with one pod.
func (j judge) pod(row clusterRow, p kubernetes.Pod) []symptom {
	out := j.kills(row, p)
	if s, evicted := j.evicted(row, p); evicted {
		return append(out, s)
	}
	if p.Metadata.DeletionTimestamp != nil || p.Status.Phase == "Succeeded" || p.Status.Phase == "Failed" {
		return out
	}
	out = append(out, j.waits(row, p)...)
	if s, pending := j.pending(row, p); pending {
		out = append(out, s)
	}
	if s, unready := j.unready(row, p); unready {
		out = append(out, s)
	}
	return out
}

// kills are containers that the kernel killed lately for want of memory.
func (j judge) kills(row clusterRow, p kubernetes.Pod) []symptom {
	var out []symptom
	for _, c := range p.Containers() {
		for _, t := range []*kubernetes.Terminated{c.State.Terminated, c.LastState.Terminated} {
			if t == nil || t.Reason != oomKilled || !j.lately(t.FinishedAt) {
				continue
			}
			spec, _ := p.Spec.Container(c.Name)
			limit := spec.Resources.Limits["memory"]
			says := fmt.Sprintf("was killed for want of memory: container %s, limit %s", c.Name, cmp.Or(limit, "none"))
			out = append(out, row.symptom(RuleOOMKill, j.runs.began(p, c.Name, *t), says, map[string]string{
				"container": c.Name, "limit": limit, "image": spec.Image, "exit_code": strconv.Itoa(t.ExitCode), "restarts": strconv.Itoa(c.RestartCount),
			}))
			break
		}
	}
	return out
}

// waits are containers that crash again and again, or cannot be made.
func (j judge) waits(row clusterRow, p kubernetes.Pod) []symptom {
	var out []symptom
	for _, c := range p.Containers() {
		w := c.State.Waiting
		if w == nil && j.between(c) {
			w = &kubernetes.Waiting{Reason: "CrashLoopBackOff"}
		}
		if w == nil {
			continue
		}
		spec, _ := p.Spec.Container(c.Name)
		a := map[string]string{"container": c.Name, "reason": w.Reason, "message": w.Message, "image": spec.Image, "restarts": strconv.Itoa(c.RestartCount)}
		began := scheduled(p)
		switch rule := waitingRules[w.Reason]; {
		case w.Reason == "CrashLoopBackOff" && c.RestartCount >= j.rules.Restarts && !ofJob(row):
			raised, says := RuleCrashLoop, fmt.Sprintf("crashes again and again: container %s, %d restarts", c.Name, c.RestartCount)
			if t := cmp.Or(c.State.Terminated, c.LastState.Terminated); t != nil {
				a["exit_code"], a["ended"] = strconv.Itoa(t.ExitCode), t.Reason
				says += fmt.Sprintf(", exit code %d (%s)", t.ExitCode, t.Reason)
				if began = j.runs.began(p, c.Name, *t); t.Reason == oomKilled { // one fault, however often the kernel kills
					raised = RuleOOMKill
				}
			}
			out = append(out, row.symptom(raised, began, says, a))
		case rule == RuleImagePull && j.lasts(began, j.rules.ErrorFor):
			out = append(out, row.symptom(rule, began, fmt.Sprintf("cannot pull image %s: %s", spec.Image, w.Reason), a))
		case rule == RuleContainerStart && j.lasts(began, j.rules.ErrorFor):
			out = append(out, row.symptom(rule, began, fmt.Sprintf("cannot start container %s: %s", c.Name, cmp.Or(w.Message, w.Reason)), a))
		}
	}
	return out
}

// soon is how short a run is that ends in a crash loop, and how long the next one must have lasted to be none.
const soon = time.Minute

// between says that a container that crashes again and again is not said to: it runs for a moment, or has just crashed. A kubelet says
// CrashLoopBackOff at its next look at the pod, which may be when the back-off is over.
func (j judge) between(c kubernetes.ContainerStatus) bool {
	run, last := c.State.Running, c.LastState.Terminated
	switch {
	case c.State.Terminated != nil:
		last = c.State.Terminated
	case run == nil || last == nil || j.lasts(run.StartedAt, soon/2):
		return false
	}
	return last.ExitCode != 0 && last.FinishedAt.Sub(last.StartedAt) < soon
}

// ofJob says that a pod is tried again by design.
func ofJob(row clusterRow) bool {
	return strings.HasPrefix(row.Workload, "job/") || strings.HasPrefix(row.Workload, "cronjob/")
}

// scheduled is when a pod got its node, or was made.
func scheduled(p kubernetes.Pod) time.Time {
	if c := p.Condition("PodScheduled"); c.Status == "True" && !c.LastTransitionTime.IsZero() {
		return c.LastTransitionTime
	}
	return p.Metadata.CreationTimestamp
}

// pending is a pod that no node takes, or that has a node and no containers for long.
func (j judge) pending(row clusterRow, p kubernetes.Pod) (symptom, bool) {
	if p.Status.Phase != "Pending" {
		return symptom{}, false
	}
	if c := p.Condition("PodScheduled"); c.Status == "False" {
		began := p.Metadata.CreationTimestamp
		if !j.lasts(began, j.rules.PendingFor) {
			return symptom{}, false
		}
		return row.symptom(RulePending, began, fmt.Sprintf("waits for a node: %s", cmp.Or(c.Message, c.Reason)), map[string]string{
			"reason": c.Reason, "message": c.Message,
		}), true
	}
	creating := slices.ContainsFunc(p.Status.ContainerStatuses, func(c kubernetes.ContainerStatus) bool {
		return c.State.Waiting != nil && c.State.Waiting.Reason == "ContainerCreating"
	})
	if began := scheduled(p); creating && j.lasts(began, j.rules.CreatingFor) {
		return row.symptom(RulePending, began, fmt.Sprintf("has a node, %s, and no containers since %s", p.Spec.NodeName, began.UTC().Format("15:04:05")),
			map[string]string{"reason": "ContainerCreating", "node": p.Spec.NodeName}), true
	}
	return symptom{}, false
}

// unready is a pod whose containers run and which gets no requests, for longer than one takes to start.
func (j judge) unready(row clusterRow, p kubernetes.Pod) (symptom, bool) {
	ready := p.Condition("Ready")
	if p.Status.Phase != "Running" || ready.Status != "False" || !j.lasts(ready.LastTransitionTime, j.rules.NotReadyFor) {
		return symptom{}, false
	}
	for _, c := range p.Status.ContainerStatuses {
		if c.State.Running == nil {
			return symptom{}, false // another rule's
		}
	}
	for _, c := range p.Status.ContainerStatuses {
		spec, _ := p.Spec.Container(c.Name)
		if !c.Ready && j.lasts(c.State.Running.StartedAt, j.rules.NotReadyFor) && (spec.ReadinessProbe != nil || spec.StartupProbe != nil) {
			probe, kind := spec.ReadinessProbe, "readiness"
			if !c.Started && spec.StartupProbe != nil || probe == nil {
				probe, kind = spec.StartupProbe, "startup"
			}
			return row.symptom(RuleProbe, ready.LastTransitionTime, fmt.Sprintf("is not ready: the %s probe of container %s fails (%s)", kind, c.Name, probe),
				map[string]string{"container": c.Name, "probe": kind, "asks": probe.String()}), true
		}
	}
	return symptom{}, false
}

// evicted is a pod that had to go lately and that nobody sent away.
func (j judge) evicted(row clusterRow, p kubernetes.Pod) (symptom, bool) {
	c := p.Condition("DisruptionTarget")
	reason, at := "", c.LastTransitionTime
	switch {
	case p.Status.Reason == "Evicted" || p.Status.Reason == "Preempting":
		reason = p.Status.Reason
		if at.IsZero() {
			at = row.Since
		}
	case c.Status == "True" && slices.Contains(disruptions, c.Reason):
		reason = c.Reason
	}
	if reason == "" || !j.lately(at) {
		return symptom{}, false
	}
	message := cmp.Or(p.Status.Message, c.Message)
	return row.symptom(RuleEvicted, at, fmt.Sprintf("was evicted from %s: %s", p.Spec.NodeName, cmp.Or(message, reason)), map[string]string{
		"reason": reason, "message": message, "node": p.Spec.NodeName,
	}), true
}
