package workflows

import (
	"slices"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Subject is what a trigger is about, and what it says of it.
type Subject struct {
	Name string                    `json:"name"` // of a service, or of a host as an entity
	Kind investigation.TriggerKind `json:"kind"` // anomalies count as alerts
	// Cause is what a cluster names as the reason that lies elsewhere: the node that sent a pod away, what no node has for a pod.
	Cause string `json:"cause,omitempty"`
}

// maxCause bounds a subject's cause, in bytes.
const maxCause = 120

// subjectOf is what a trigger is about.
func subjectOf(t investigation.Trigger) Subject {
	s := Subject{Name: t.Service, Kind: t.Kind}
	if s.Name == "" {
		s.Name = string(t.Entity)
	}
	if s.Kind == investigation.Anomaly {
		s.Kind = investigation.Alert
	}
	switch {
	case !complaint(t):
	case t.Rule == investigation.RuleEvicted && t.Attributes["node"] != "":
		s.Cause = string(telemetry.Host(t.Attributes["node"]))
	case t.Rule == investigation.RulePending && t.Attributes["message"] != "":
		s.Cause = cut(t.Attributes["message"], maxCause)
	}
	return s
}

// subjects are those of several triggers.
func subjects(ts []investigation.Trigger) (all []Subject) {
	for _, t := range ts {
		all = union(all, []Subject{subjectOf(t)})
	}
	return all
}

// complaint tells whether a cluster or a kernel says itself that a workload or a node is broken.
func complaint(t investigation.Trigger) bool { return t.Kind == investigation.ClusterEvent }

// spreads are the complaints that the failure of a service may bring about in whoever calls it. That an image cannot be pulled, that no
// node takes a pod, that memory is short: whatever else is broken, this has a reason of its own.
var spreads = []string{
	investigation.RuleCrashLoop, investigation.RuleProbe, investigation.RuleStuckRollout, investigation.RuleJobFailed, investigation.RuleCeiling,
}

// suffers tells whether a complaint may come from one of the services that its workload calls.
func suffers(t investigation.Trigger, from func(service string) bool) bool {
	return slices.Contains(spreads, t.Rule) && slices.ContainsFunc(t.Calls, from)
}

// owns tells whether a complaint belongs to what is known of others: to the same workload or the same cause; to a service that its workload
// calls; or, where nothing else is known to be broken, to the alarms that it explains.
func owns(known []Subject, t investigation.Trigger) bool {
	s, broken := subjectOf(t), false
	for _, k := range known {
		switch {
		case k.Kind != investigation.Alert && k.Name == s.Name,
			k.Cause != "" && (k.Cause == s.Cause || k.Cause == s.Name),
			k.Kind == investigation.ClusterEvent && k.Name == s.Cause:
			return true
		}
		broken = broken || k.Kind == investigation.ClusterEvent
	}
	if suffers(t, func(service string) bool { return slices.ContainsFunc(known, named(service)) }) {
		return true
	}
	return !broken && slices.ContainsFunc(known, func(k Subject) bool {
		return k.Kind == investigation.Alert && (t.Service == "" || k.Name == s.Name || slices.Contains(t.Peers, k.Name))
	})
}

func named(name string) func(Subject) bool { return func(s Subject) bool { return s.Name == name } }

// follows are complaints that another complaint about the same workload, or an anomaly, brings with it sooner or later.
var follows = map[string][]string{
	investigation.RuleStuckRollout: {
		investigation.RuleImagePull, investigation.RuleContainerStart, investigation.RuleCrashLoop, investigation.RuleProbe,
		investigation.RulePending, investigation.RuleQuota, investigation.RuleOOMKill, investigation.RuleEvicted,
	},
	investigation.RuleOOMKill:   {investigation.RuleMemoryGrowth},
	investigation.RuleCrashLoop: {investigation.RuleOOMKill, investigation.RuleProbe},
	investigation.RuleProbe:     {investigation.RuleOOMKill, investigation.RuleCrashLoop},
}

// alarm names what a trigger says, whenever it says it: of a host the host, too.
func (k *intake) alarm(t investigation.Trigger) string {
	if k.apart && t.Service == "" {
		return t.Rule + "/" + string(t.Entity)
	}
	return alarm(t)
}

// expected tells whether an incident had a trigger's alarm already, or one that it follows from.
func (k *intake) expected(alarms []string, t investigation.Trigger) bool {
	if slices.Contains(alarms, k.alarm(t)) {
		return true
	}
	return complaint(t) && slices.ContainsFunc(follows[t.Rule], func(rule string) bool {
		return slices.Contains(alarms, rule+"/"+t.Service)
	})
}

// brought are the complaints about a culprit that how it fails brings with it sooner or later.
var brought = map[investigation.Mechanism][]string{
	investigation.MemoryLeak: {
		investigation.RuleOOMKill, investigation.RuleCrashLoop, investigation.RuleProbe, investigation.RuleStuckRollout, investigation.RuleEvicted,
	},
	investigation.OutOfMemory:        {investigation.RuleOOMKill, investigation.RuleCrashLoop, investigation.RuleProbe, investigation.RuleStuckRollout},
	investigation.WrongConfiguration: {investigation.RuleCrashLoop, investigation.RuleProbe, investigation.RuleStuckRollout},
	investigation.BadDeployment:      {investigation.RuleCrashLoop, investigation.RuleProbe, investigation.RuleStuckRollout},
	investigation.CrashLoop:          {investigation.RuleCrashLoop, investigation.RuleProbe, investigation.RuleStuckRollout},
	investigation.FailingProbe:       {investigation.RuleProbe, investigation.RuleStuckRollout},
	investigation.BadImage:           {investigation.RuleImagePull, investigation.RuleStuckRollout},
	investigation.Unschedulable:      {investigation.RulePending, investigation.RuleStuckRollout},
}

// brings tells whether a complaint is what comes of the cause that an incident's report names.
func brings(o *OpenIncident, t investigation.Trigger) bool {
	return complaint(t) && t.Service != "" && t.Service == serviceOf(o.Culprit) && slices.Contains(brought[o.Mechanism], t.Rule)
}

// accounts tells whether the cause that an incident's report names may be that of a complaint: it is the same workload, one that it calls,
// or one that explains what the workload's own alarms said. A cause that is no workload and no service may be that of many things.
func accounts(o *OpenIncident, t investigation.Trigger) bool {
	cause := serviceOf(o.Culprit)
	if !complaint(t) || cause == "" || cause == t.Service || suffers(t, func(called string) bool { return called == cause }) {
		return true
	}
	strained := slices.Contains(spreads, t.Rule) || t.Rule == investigation.RuleOOMKill
	return strained && slices.ContainsFunc(o.Subjects, func(s Subject) bool { return s.Kind == investigation.Alert && s.Name == t.Service })
}

// serviceOf is the service that an entity is, "" if it is none.
func serviceOf(e telemetry.Entity) string {
	switch e.Kind() {
	case "service":
		return e.Name()
	case "workload":
		parts := strings.SplitN(e.Name(), "/", 3)
		if len(parts) == 3 && slices.Contains(controllers, parts[1]) {
			return telemetry.ServiceOf(parts[0], parts[2])
		}
	}
	return ""
}

// controllers are the kinds of workloads whose name is their service's.
var controllers = []string{"deployment", "statefulset", "daemonset", "job", "cronjob", "replicaset", "pod"}

// everybodys tells whether nearly every service talks with this one, so that it says nothing about two that they both do.
func everybodys(service string) bool {
	return strings.HasSuffix(service, ".kube-system") || service == "kubernetes.default"
}
