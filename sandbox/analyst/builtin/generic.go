package builtin

import (
	"fmt"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
	"github.com/midwatch/midwatch/sandbox/analyst/span"
)

// dependencyDown: connects to a service that answered before fail, and it answers nobody any more, or comes and goes.
func dependencyDown(f *facts) []hypothesis {
	if f.comparison == nil {
		return nil
	}
	var out []hypothesis
	seen := map[string]bool{}
	for _, e := range f.comparison.Edges {
		if e.Protocol != "tcp" || !e.Failing || seen[e.To] || !f.listened(e.Address) {
			continue
		}
		seen[e.To] = true
		s, _ := f.service(e.To)
		exits := f.exits(e.To)
		if !s.Quiet && s.Fault.Requests > 0 && exits < 3 {
			continue // it answers most: the connects fail for another reason
		}
		id := f.ids["compare_windows"]
		h := hypothesis{
			culprit: telemetry.Service(e.To), service: e.To, mechanism: investigation.DependencyDown, confidence: 0.85,
			title:   fmt.Sprintf("%s is down", e.To),
			summary: fmt.Sprintf("Nobody accepts connections at %s, where %s answered %.3g requests per second before.", e.Address, e.To, s.Healthy.RatePerS),
		}
		changes := f.ids["recent_changes"]
		if exits > 0 {
			h.claim(fmt.Sprintf("Processes of %s exited %s.", e.To, times(exits)), changes, some(changes, "exits", is("service", e.To)))
			h.confidence = 0.88
		}
		if exits >= 3 {
			h.mechanism, h.title = investigation.CrashLoop, fmt.Sprintf("%s starts and exits again and again", e.To)
		}
		if f.killed(e.To) > 0 {
			h.confidence -= 0.4 // that is why it is down: see memoryLeak
		}
		h.claim(fmt.Sprintf("%s cannot connect to %s at %s (%d times).", e.From, e.To, e.Address, e.Fault.Errors),
			id, some(id, "edges", is("address", e.Address), is("protocol", "tcp"), holds("failing")))
		h.fix = f.draft(investigation.RestartAction, e.To, nil, "It does not run.")
		out = append(out, h)
	}
	return out
}

func (f *facts) exits(service string) int {
	n := 0
	if f.changes != nil {
		for _, x := range f.changes.Exits {
			if x.Service == service && x.Time.After(f.onset.Add(-span.MaxHealthy)) {
				n++
			}
		}
	}
	return n
}

// failingStatement: statements on one table fail with an error of the database that is no refusal of writes.
func failingStatement(f *facts) []hypothesis {
	if f.statements == nil {
		return nil
	}
	tables := map[[3]string][]result.Statement{}
	healthyElsewhere := map[string]bool{}
	var order [][3]string
	for _, s := range f.statements.Statements {
		key := [3]string{s.Database, s.Namespace, s.Collection}
		switch {
		case s.Failing && len(s.Codes) > 0 && refusals[s.Codes[0].Code] == "" && s.Collection != "" && !onlyCanceled(s):
			if tables[key] == nil {
				order = append(order, key)
			}
			tables[key] = append(tables[key], s)
		case !s.Failing && s.Fault.Requests >= 5:
			healthyElsewhere[s.Database] = true
		}
	}
	if len(order) != 1 {
		return nil // not one table: the database, or what asks it, is to blame
	}
	key := order[0]
	s := tables[key][0]
	id := f.ids["statements"]
	h := hypothesis{
		culprit: telemetry.Table(key[1], key[2]), service: key[0], mechanism: investigation.FailingDependency, confidence: 0.62,
		title: fmt.Sprintf("Statements on %s fail with %s", s.Collection, s.Codes[0].Code),
		summary: fmt.Sprintf("%s answers %s statements on %s with error %s since %s. Why the table is not usable is not in the telemetry.", s.Database,
			s.Operation, s.Collection, s.Codes[0].Code, f.onset.Format("15:04:05")),
		missing: []string{fmt.Sprintf("changes of schema and rights in %s", s.Database)},
	}
	if key[1] == "" {
		h.culprit = telemetry.Service(s.Database)
	}
	h.claim(fmt.Sprintf("%s statements on %s fail with %s: %d of %d, before %s.", s.Operation, s.Collection, s.Codes[0].Code, s.Fault.Errors,
		s.Fault.Requests, share(s.Healthy.ErrorRatio)), id,
		some(id, "statements", is("database", s.Database), is("collection", s.Collection), is("operation", s.Operation), holds("failing")))
	if healthyElsewhere[s.Database] {
		h.confidence += 0.08
		h.claim(fmt.Sprintf("Other statements of %s succeed, so it is up.", s.Database), id,
			some(id, "statements", is("database", s.Database), `not x["failing"]`, atLeast(5, "fault", "requests")))
	}
	for _, caller := range s.Callers {
		if _, changed := f.deployed(caller, versions...); changed {
			h.confidence -= 0.2 // the new version may ask the wrong thing
		}
	}
	return []hypothesis{h}
}

// trafficSurge: the way in got many more requests, everything behind it too, and nothing else happened.
func trafficSurge(f *facts) []hypothesis {
	if f.comparison == nil || len(f.bad()) == 0 {
		return nil
	}
	for _, s := range f.comparison.Services {
		behind, check := f.cannotKeepUp(s)
		if s.Busy && s.RateRatio >= 2 && f.isEntry(s.Service) && behind != "" {
			id := f.ids["compare_windows"]
			h := hypothesis{
				culprit: telemetry.Service(s.Service), service: s.Service, mechanism: investigation.TrafficSurge, confidence: 0.55, statistical: true,
				title:   fmt.Sprintf("%s gets %.1f times the requests it had", s.Service, s.RateRatio),
				summary: fmt.Sprintf("%s gets %.3g requests per second instead of %.3g, and %s.", s.Service, s.Fault.RatePerS, s.Healthy.RatePerS, behind),
			}
			h.claim(h.summary, id, some(id, "services", is("service", s.Service), holds("busy"), atLeast(2, "rate_ratio")), check)
			return []hypothesis{h}
		}
	}
	return nil
}

// cannotKeepUp says what became slow behind a service that got more requests, and how to check it; "" when nothing did.
func (f *facts) cannotKeepUp(s result.ServiceChange) (behind, check string) {
	id := f.ids["compare_windows"]
	for _, e := range f.comparison.Edges {
		if e.From == s.Service && e.Slow {
			return fmt.Sprintf("its calls to %s became slow", e.To), some(id, "edges", is("from", e.From), is("to", e.To), holds("slow"))
		}
	}
	if s.Slow {
		return "it answers slower", some(id, "services", is("service", s.Service), holds("slow"))
	}
	return "", ""
}

// isEntry says that no other service that answers requests calls this one.
func (f *facts) isEntry(service string) bool {
	for _, e := range f.comparison.Edges {
		if _, answers := f.service(e.From); answers && e.To == service && e.From != service {
			return false
		}
	}
	return true
}

// deepest blames, without a known mechanism, the one service where badness begins.
func deepest(f *facts) []hypothesis {
	var out []hypothesis
	for i, suspect := range f.suspects {
		s, answers := f.service(suspect.Name)
		if !answers || i >= 3 {
			continue
		}
		switch e, points := f.pointsTo(s); {
		case f.byItself(s):
			out = append(out, f.began(s))
		case points:
			out = append(out, f.beyond(s, e))
		default:
			out = append(out, f.unclear(s))
		}
	}
	return out
}

// changed names what is wrong with a service, and the mechanism when nothing more is known.
func changed(s result.ServiceChange) (how string, mechanism investigation.Mechanism) {
	if s.Failing {
		return "fail", investigation.FailingDependency
	}
	return "be slow", investigation.SlowDependency
}

// began: what is wrong with a service is its own, by its calls.
func (f *facts) began(s result.ServiceChange) hypothesis {
	how, mechanism := changed(s)
	h := hypothesis{
		culprit: telemetry.Service(s.Service), service: s.Service, mechanism: mechanism, confidence: 0.45, statistical: true,
		title:   fmt.Sprintf("%s began to %s by itself", s.Service, how),
		missing: []string{fmt.Sprintf("what happens inside %s: its code, profile or locks", s.Service)},
	}
	if f.outweighs(s) {
		h.confidence = 0.62
	}
	f.ownClaim(&h, s)
	f.sharedClaim(&h, s)
	calls := "Everything it calls is as before"
	if !f.callsAreWell(s.Service) {
		calls = "Some of its calls got worse too, but explain less than half of it"
	}
	h.summary = fmt.Sprintf("Since %s %s. %s; why it changed is not in the telemetry.", f.onset.Format("15:04:05"), describe(s), calls)
	return h
}

// beyond: one call accounts for what is wrong with a service, though the other end does not show it, or shows nothing.
func (f *facts) beyond(s result.ServiceChange, e result.EdgeChange) hypothesis {
	how, mechanism := changed(s)
	h := hypothesis{
		culprit: telemetry.Service(e.To), service: e.To, mechanism: mechanism, confidence: 0.4, statistical: true,
		title:   fmt.Sprintf("%s began to %s because of its calls to %s", s.Service, how, e.To),
		missing: []string{fmt.Sprintf("what happens between %s and %s, and inside %s", s.Service, e.To, e.To)},
	}
	h.summary = fmt.Sprintf("Since %s %s. Its calls to %s account for it, but %s itself does not answer clearly worse.",
		f.onset.Format("15:04:05"), describe(s), e.To, e.To)
	h.claim(describe(s)+".", f.ids["compare_windows"], f.badCheck(s))
	return h
}

// unclear: a service is bad, and its calls got worse with it, no single one of them enough.
func (f *facts) unclear(s result.ServiceChange) hypothesis {
	how, mechanism := changed(s)
	h := hypothesis{
		culprit: telemetry.Service(s.Service), service: s.Service, mechanism: mechanism, confidence: 0.35, statistical: true,
		title:   fmt.Sprintf("%s began to %s, whether by itself or because of what it calls is not clear", s.Service, how),
		missing: []string{fmt.Sprintf("what %s waits for, and which of its calls matter", s.Service)},
	}
	h.summary = fmt.Sprintf("Since %s %s.", f.onset.Format("15:04:05"), describe(s))
	h.claim(describe(s)+".", f.ids["compare_windows"], f.badCheck(s))
	return h
}

// outweighs says that nearly all of what the suspects lose by themselves, in time and failed requests, is this one's.
func (f *facts) outweighs(s result.ServiceChange) bool {
	var all float64
	for _, suspect := range f.suspects {
		if other, answers := f.service(suspect.Name); answers {
			all += ownLoss(other)
		}
	}
	return ownLoss(s) > 0 && ownLoss(s) >= 0.75*all
}

// ownLoss is what a service costs by itself, in the sense of loss.
func ownLoss(s result.ServiceChange) float64 {
	failed := max(0, s.Fault.ErrorRatio-s.Healthy.ErrorRatio-max(0, s.CallErrors.Fault-s.CallErrors.Healthy))
	return s.Fault.RatePerS * (max(0, s.SelfMS.Fault-s.SelfMS.Healthy) + 1000*failed)
}
