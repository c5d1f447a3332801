package builtin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// askedLookback is how long before the time of a question about a workload its changes are looked for: nobody said when it broke.
const askedLookback = time.Hour

// asked says that a person asks about a workload: nothing was raised of it, so that its pods have to tell what is wrong.
func (f *facts) asked(w workload) bool {
	return slices.ContainsFunc(f.req.Triggers, func(t investigation.Trigger) bool { return t.Kind == investigation.Manual && t.Entity == w.entity() })
}

// someAsked is the first workload that a person asks about.
func (f *facts) someAsked() (workload, bool) {
	all := f.workloads()
	i := slices.IndexFunc(all, f.asked)
	if i < 0 {
		return workload{}, false
	}
	return all[i], true
}

// latest is until when a change of a workload may have caused what its pods do.
func (f *facts) latest(w workload) time.Time {
	if f.asked(w) {
		return f.fault.To
	}
	return f.onset.Add(rightAfter)
}

// shows says that the pods of a workload, or what the cluster says of it, look as they do when a rule raises an alarm.
func (f *facts) shows(w workload, rule string) bool {
	pods, _ := f.pods(w)
	ill := func(is func(result.KubernetesContainer) bool) bool { _, _, found := pods.ill(is); return found }
	switch rule {
	case investigation.RuleCrashLoop:
		return ill(func(c result.KubernetesContainer) bool {
			return c.State == "CrashLoopBackOff" || c.Restarts >= 2 && !c.Ready && c.ExitCode != 0
		})
	case investigation.RuleContainerStart:
		return ill(func(c result.KubernetesContainer) bool {
			return strings.HasPrefix(c.State, "CreateContainer") || c.State == "RunContainerError"
		})
	case investigation.RuleProbe:
		_, unhealthy := f.said(w, "Unhealthy")
		return len(unhealthy) > 0 && ill(func(c result.KubernetesContainer) bool { return !c.Ready && !slices.Contains(noImage, c.State) })
	case investigation.RulePending:
		return slices.ContainsFunc(pods.Objects, func(o result.KubernetesObject) bool { return o.Status == "Pending" && o.Node == "" })
	}
	return false
}

// answered is the report on a workload that a person asks about and in which nothing is found to be wrong, or nothing that explains itself.
func (f *facts) answered(r investigation.Report) (investigation.Report, bool) {
	w, asked := f.someAsked()
	pods, listed := f.pods(w)
	if !asked || !listed || len(pods.Objects) == 0 {
		return r, false
	}
	var h hypothesis
	well := pods.Unhealthy == 0
	text := fmt.Sprintf("%d of %d pods of %s are as they should be", len(pods.Objects)+pods.Omitted-pods.Unhealthy, len(pods.Objects)+pods.Omitted, w)
	check := fmt.Sprintf(`len(ev[%q]["objects"]) > 0 and ev[%q]["unhealthy"] == %d`, pods.id, pods.id, pods.Unhealthy)
	r.Verdict, r.Confidence, r.Title = investigation.NoProblem, 0.8, fmt.Sprintf("Nothing is wrong with the pods of %s", w)
	if !well {
		r.Verdict, r.Confidence, r.Title = investigation.Inconclusive, 0.3, fmt.Sprintf("Pods of %s are not well, and why is not clear", w)
		r.Missing = append(r.Missing, fmt.Sprintf("what the containers of %s say", w))
	}
	r.Summary = text + "."
	h.claim(r.Summary, pods.id, check)
	if d, changed := f.rolled(w); changed {
		f.rolloutClaim(&h, w, d)
		r.Summary += " " + f.sentence(w, d) + "."
	} else if f.changes != nil {
		r.Summary += fmt.Sprintf(" No change of it was seen since %s.", f.onset.Add(-f.lookback()).Format("15:04"))
	}
	r.Chain = append(r.Chain, h.chain...)
	if changed := f.changes; changed != nil {
		r.RuledOut = f.ruledOut(hypothesis{service: w.service(), culprit: telemetry.Service(w.service())})
	}
	return r, true
}
