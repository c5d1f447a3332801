package builtin

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// sure is the confidence from which a hypothesis becomes a root cause.
const sure = 0.5

// maxSymptoms bounds the claims of a report that blames nobody: the platform refuses a report of very many.
const maxSymptoms = 10

// conclude weighs all hypotheses and writes the report.
func (f *facts) conclude() investigation.Report {
	all := f.hypotheses()
	if len(all) == 0 || all[0].confidence < sure {
		return f.withoutCulprit(all)
	}
	best := all[0]
	f.symptoms(&best)
	for _, other := range all[1:] {
		// Two explanations that are as good as each other are a reason to doubt both.
		if other.service != best.service && best.confidence-other.confidence < 0.1 && !f.leads(other.service, best.service) {
			best.confidence -= 0.1
			best.missing = append(best.missing, fmt.Sprintf("what tells it from this: %s", other.title))
			break
		}
	}
	r := investigation.Report{
		Verdict: investigation.RootCause, Title: best.title, Summary: best.summary, Culprit: best.culprit, Mechanism: best.mechanism,
		Confidence: percent(best.confidence), Onset: f.onset, Chain: best.chain, Fix: best.fix, Analyst: Version,
		RuledOut: f.ruledOut(best), Missing: append(best.missing, f.problems...),
	}
	if best.confidence < sure {
		r.Verdict, r.Culprit, r.Mechanism, r.Fix = investigation.Inconclusive, "", "", nil
	}
	return number1(r)
}

// hypotheses asks every rule, surest first; of equals, the rule that comes first knows more.
func (f *facts) hypotheses() []hypothesis {
	var all []hypothesis
	for _, rule := range []func(*facts) []hypothesis{
		podOutOfMemory, podCrashes, brokenConfiguration, badImage, failingProbe, unschedulable, cpuThrottling, clusterEvent,
		memoryLeak, writesRefused, wrongConfiguration, badDeployment, cpuContention, missingIndex, poolExhausted,
		dependencyDown, failingStatement, trafficSurge, deepest,
	} {
		all = append(all, rule(f)...)
	}
	for i := range all {
		f.weaken(&all[i])
	}
	slices.SortStableFunc(all, func(a, b hypothesis) int { return cmp.Compare(b.confidence, a.confidence) })
	return all
}

// weaken takes from a hypothesis what it lacks: a way from the symptom to its culprit, and enough to compare with.
func (f *facts) weaken(h *hypothesis) {
	if !h.told && !f.related(*h) {
		h.confidence -= 0.3
	}
	if f.leaning[h.service] {
		h.confidence -= 0.1
		h.missing = append(h.missing, fmt.Sprintf("more requests to %s: that it got worse is likely, not sure", h.service))
	}
	if h.statistical && f.thin() {
		h.confidence -= 0.1
		h.missing = append(h.missing, fmt.Sprintf("healthy time: only %.0f s of it were recorded", f.healthySeconds()))
	}
}

// related says that the graph of calls leads from something bad to the culprit, if anything is bad. Who takes the CPU
// needs no call to hurt.
func (f *facts) related(h hypothesis) bool {
	bad := f.bad()
	if len(bad) == 0 || h.mechanism == investigation.CPUContention {
		return true
	}
	return slices.ContainsFunc(bad, func(s result.ServiceChange) bool { return s.Service == h.service || f.leads(s.Service, h.service) })
}

// leads says that the trouble of one service can reach another by calls: upstream calls, directly or not, downstream.
func (f *facts) leads(upstream, downstream string) bool {
	if f.comparison == nil {
		return false
	}
	next := map[string][]string{}
	for _, e := range f.comparison.Edges {
		next[e.From] = append(next[e.From], e.To)
	}
	seen, queue := map[string]bool{upstream: true}, []string{upstream}
	for len(queue) > 0 {
		for _, to := range next[queue[0]] {
			if to == downstream {
				return true
			}
			if !seen[to] {
				seen[to] = true
				queue = append(queue, to)
			}
		}
		queue = queue[1:]
	}
	return false
}

// symptoms ends the chain with what people notice: the bad services that the culprit explains, nearest to it first.
func (f *facts) symptoms(h *hypothesis) {
	var affected []result.ServiceChange
	for _, s := range f.bad() {
		if s.Service != h.service && (h.mechanism == investigation.CPUContention || f.leads(s.Service, h.service)) {
			affected = append(affected, s)
		}
	}
	slices.SortStableFunc(affected, func(a, b result.ServiceChange) int {
		switch {
		case f.leads(a.Service, b.Service) && !f.leads(b.Service, a.Service):
			return 1
		case f.leads(b.Service, a.Service) && !f.leads(a.Service, b.Service):
			return -1
		}
		return cmp.Compare(a.Service, b.Service)
	})
	id := f.ids["compare_windows"]
	for _, s := range affected[:min(len(affected), 4)] {
		h.claim("As a consequence "+describe(s)+".", id, f.badCheck(s))
	}
}

// describe says how a service is bad, with numbers.
func describe(s result.ServiceChange) string {
	switch {
	case s.Failing && s.Slow:
		return fmt.Sprintf("%s fails %s of its requests (before %s) and takes %s (before %s, 95th percentile)", s.Service,
			share(s.Fault.ErrorRatio), share(s.Healthy.ErrorRatio), millis(s.Fault.P95MS), millis(s.Healthy.P95MS))
	case s.Failing:
		return fmt.Sprintf("%s fails %s of its requests (before %s)", s.Service, share(s.Fault.ErrorRatio), share(s.Healthy.ErrorRatio))
	}
	return fmt.Sprintf("%s takes %s (before %s, 95th percentile)", s.Service, millis(s.Fault.P95MS), millis(s.Healthy.P95MS))
}

// ruledOut says of every other change, and every other bad service, why it is not blamed.
func (f *facts) ruledOut(h hypothesis) []investigation.RuledOut {
	out := []investigation.RuledOut{}
	said := map[string]bool{h.service: true}
	if f.changes != nil {
		for _, d := range f.changes.Deployments {
			if said[d.Service] {
				continue
			}
			said[d.Service] = true
			out = append(out, investigation.RuledOut{
				Entity: telemetry.Service(d.Service), Why: fmt.Sprintf("its %s changed at %s, but %s", d.Kind, d.Time.Format("15:04:05"), f.alibi(d.Service, h)),
				Evidence: []string{f.ids["recent_changes"]},
			})
		}
	}
	for _, s := range f.bad() {
		if !said[s.Service] && f.leads(s.Service, h.service) {
			said[s.Service] = true
			out = append(out, investigation.RuledOut{
				Entity: telemetry.Service(s.Service), Why: fmt.Sprintf("it suffers from %s, which it calls", h.service),
				Evidence: []string{f.ids["compare_windows"]},
			})
		}
	}
	return out[:min(len(out), 8)]
}

// alibi is why a service that changed is not the culprit.
func (f *facts) alibi(service string, h hypothesis) string {
	s, answers := f.service(service)
	switch {
	case answers && !s.Bad():
		return "it answers as well as before"
	case f.leads(service, h.service):
		return fmt.Sprintf("what is wrong with it comes from %s, which it calls", h.service)
	}
	return "nothing leads from it to what is wrong"
}

// withoutCulprit is the honest end: nothing is wrong, or it is not known what.
func (f *facts) withoutCulprit(all []hypothesis) investigation.Report {
	r := investigation.Report{Onset: f.onset, Chain: []investigation.Claim{}, RuledOut: []investigation.RuledOut{}, Missing: f.problems, Analyst: Version}
	var h hypothesis
	id := f.ids["compare_windows"]
	bad := f.bad()
	if hog, found := f.busyAlarm(); found && len(bad) == 0 {
		return number1(f.busy(hog, r))
	}
	if len(all) == 0 && len(bad) == 0 {
		if told, ok := f.answered(r); ok {
			return number1(told)
		}
	}
	switch {
	case f.comparison == nil || f.requests() < 20:
		r.Verdict, r.Confidence, r.Title = investigation.Inconclusive, 0.1, "Too little was recorded to tell"
		r.Summary = "There are too few requests in the window to compare it with healthy time."
		r.Missing = append(r.Missing, "requests in the window of the fault")
	case f.healthyRequests() < 20:
		r.Verdict, r.Confidence, r.Title = investigation.Inconclusive, 0.1, "There is no healthy time to compare with"
		r.Summary = fmt.Sprintf("Nearly nothing was recorded from %s to %s, the time before it began.", f.healthy.From.Format("15:04:05"), f.healthy.To.Format("15:04:05"))
		r.Missing = append(r.Missing, "requests in healthy time")
	case len(bad) == 0 && (!f.alarmed() || len(all) == 0):
		r.Verdict, r.Confidence, r.Title = investigation.NoProblem, 0.8, "No service differs from healthy time"
		r.Summary = fmt.Sprintf("All %d services answer as often, as fast and as well as before.", len(f.comparison.Services))
		if f.alarmed() {
			r.Confidence = 0.5
			r.Summary += " What raised the alarm is over."
		}
		if f.thin() {
			r.Confidence -= 0.2
			r.Missing = append(r.Missing, fmt.Sprintf("healthy time: only %.0f s of it were recorded", f.healthySeconds()))
		}
		h.claim(r.Summary, id, fmt.Sprintf("len(ev[%q][\"services\"]) > 0 and not any([x[\"failing\"] or x[\"slow\"] for x in ev[%q][\"services\"]])", id, id))
		r.RuledOut = f.ruledOut(h)
	default:
		r.Verdict, r.Confidence, r.Title = investigation.Inconclusive, 0.3, "Something is wrong, but not clearly because of one thing"
		for _, s := range bad[:min(len(bad), maxSymptoms)] {
			h.claim(describe(s)+".", id, f.badCheck(s))
		}
		short, shared := false, false
		for _, s := range bad[:min(len(bad), maxSymptoms)] {
			waits := f.tellWait(&h, s)
			short, shared = short || waits, shared || !waits && !shared && f.tellElsewhere(&h, s)
		}
		r.Summary = "The evidence does not single out a cause."
		if len(all) > 0 {
			r.Summary = fmt.Sprintf("The evidence does not single out a cause. The best guess, not more: %s.", all[0].title)
			r.Missing = append(all[0].missing, r.Missing...)
		}
		if short {
			r.Summary += " The machine is short of CPU: services wait for a core."
		}
		if shared {
			r.Title = "Services that have nothing to do with each other became slow together"
			r.Summary += fmt.Sprintf(" %s became slow as well: what they share is worth a look, as their machine, its disks, or the network.", f.slowOthers())
		}
	}
	r.Chain = append(r.Chain, h.chain...)
	return number1(r)
}

func (f *facts) requests() (n uint64) {
	for _, s := range f.comparison.Services {
		n += s.Fault.Requests
	}
	return n
}

func (f *facts) healthyRequests() (n uint64) {
	for _, s := range f.comparison.Services {
		n += s.Healthy.Requests
	}
	return n
}

// number1 numbers the claims from c1.
func number1(r investigation.Report) investigation.Report {
	for i := range r.Chain {
		r.Chain[i].ID = fmt.Sprintf("c%d", i+1)
	}
	return r
}

func percent(v float64) float64 { return math.Round(100*v) / 100 }

func share(v float64) string {
	if v > 0 && v < 0.01 {
		return fmt.Sprintf("%.1f%%", 100*v)
	}
	return fmt.Sprintf("%.0f%%", 100*v)
}

func millis(v float64) string {
	if v >= 10 {
		return fmt.Sprintf("%.0f ms", v)
	}
	return fmt.Sprintf("%.1f ms", v)
}
