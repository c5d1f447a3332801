package workflows

import (
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
)

// belongs tells whether a new trigger is part of an incident that it has to do with. While the incident is looked into, or its fix is at
// work, every such trigger is. Once its cause is known, only what began before that and may come of it, and alarms that it had already:
// another alarm is another fault's, which a report that is written would hide. An incident whose cause was not found explains nothing, and
// a question is about a window of its own: an alarm that they took would never be looked into.
func (k *intake) belongs(t investigation.Trigger, o *OpenIncident, now time.Time) bool {
	if o.Asked || !k.near(t, o) {
		return false
	}
	goesOn := now.Sub(o.LastSeen) < k.Quiet
	if k.apart {
		if o.Baking && k.remark(t) {
			return false
		}
		goesOn = goesOn || o.Baking // whatever happens in the bake time, the verification looks into it
		if !o.Explained.IsZero() && !accounts(o, t) {
			return false
		}
	}
	switch {
	case moving(o.Phase):
		return goesOn
	case o.Explained.IsZero():
		return false
	case began(t).Before(o.Explained.Add(aftermath)):
		return true
	case k.apart:
		return goesOn && o.Phase != Resolved && (k.expected(o.Alarms, t) || brings(o, t))
	default:
		return goesOn && o.Phase != Resolved && slices.Contains(o.Alarms, alarm(t))
	}
}

// near tells whether a trigger has to do with what an incident is about.
func (k *intake) near(t investigation.Trigger, o *OpenIncident) bool {
	if k.apart && len(o.Subjects) > 0 {
		return k.relates(o.Subjects, o.Services, t)
	}
	return related(o.Services, touches(t))
}

// concerns tells whether a trigger belongs to a group.
func (k *intake) concerns(g Group, t investigation.Trigger) bool {
	switch {
	case manual(g.Triggers), k.remark(t) && onlyDeployments(g.Triggers):
		return false
	case k.apart:
		return k.relates(subjects(g.Triggers), g.Services, t) || explains(t, g.Triggers)
	}
	return related(g.Services, touches(t))
}

// explains tells whether all complaints of others may come from what a complaint says is broken.
func explains(t investigation.Trigger, others []investigation.Trigger) bool {
	some := false
	for _, o := range others {
		if !complaint(o) {
			continue
		}
		if !complaint(t) || !suffers(o, func(called string) bool { return called == t.Service }) {
			return false
		}
		some = true
	}
	return some
}

// relates tells whether a trigger belongs to what is known: a complaint only if it is explained by it, all else if it shares a service or is
// about the other end of a call.
func (k *intake) relates(known []Subject, services []string, t investigation.Trigger) bool {
	if complaint(t) {
		return owns(known, t)
	}
	return related(services, k.touches(t)) || slices.ContainsFunc(t.Peers, func(p string) bool { return slices.ContainsFunc(known, named(p)) })
}

// one tells whether what a group complains of belongs to another group.
func (k *intake) one(a, b Group) bool {
	if !k.apart {
		return true
	}
	known := subjects(a.Triggers)
	return !slices.ContainsFunc(b.Triggers, func(t investigation.Trigger) bool { return complaint(t) && !owns(known, t) })
}

// remark tells whether an alert is worth knowing where something is wrong, and no sign of it: it starts no investigation.
func (k *intake) remark(t investigation.Trigger) bool {
	return k.apart && !k.Info && t.Kind == investigation.Alert && t.Severity == investigation.Info
}

// touches are the services by which a trigger is found to belong to others: its own, what it calls, and of what takes the CPU who waits for
// it. That one client calls two services tells nothing of them: a kubelet probes every pod. Neither does what nearly everything talks with. A
// rule that people wrote and that names no service is about itself.
func (k *intake) touches(t investigation.Trigger) []string {
	switch {
	case k.apart && t.Service == "" && t.Entity == "" && investigation.Written(t.Rule):
		return []string{t.Rule}
	case !k.apart, t.Service == "":
		return touches(t)
	}
	others := t.Calls
	if t.Rule == investigation.RuleStarvation {
		others = t.Peers
	}
	return append([]string{t.Service}, slices.DeleteFunc(slices.Clone(others), everybodys)...)
}

// moving tells whether what becomes of an incident is still being found out.
func moving(phase string) bool {
	return phase == Investigating || phase == Applying || phase == Verifying
}

// handedOver takes note of what a DeploymentVerification hands to its incident, or what an incident looks into again: so it is not late.
func (k *intake) handedOver(o *OpenIncident, p Progress, now time.Time) {
	if !k.apart || p.Phase != Investigating {
		return
	}
	o.Late = slices.DeleteFunc(o.Late, func(t investigation.Trigger) bool {
		if !slices.Contains(p.Took, t.ID) {
			return false
		}
		if o.Baking && t.Kind != investigation.Deployment { // the incident waits for more of them
			o.Settles = now.Add(k.Settle)
		}
		return true
	})
}

// unaccounted are the late complaints that an incident's report does not explain. They are its own no more.
func (k *intake) unaccounted(o *OpenIncident, p Progress) (others []investigation.Trigger) {
	if !k.apart || !p.Explained {
		return nil
	}
	o.Culprit, o.Mechanism = p.Culprit, p.Mechanism
	for _, t := range o.Late {
		if accounts(o, t) {
			continue
		}
		others = append(others, t)
		o.Triggers = slices.DeleteFunc(o.Triggers, func(id string) bool { return id == t.ID })
		o.Alarms = slices.DeleteFunc(o.Alarms, func(a string) bool { return a == k.alarm(t) })
		o.Subjects = slices.DeleteFunc(o.Subjects, func(s Subject) bool { return s == subjectOf(t) })
	}
	return others
}
