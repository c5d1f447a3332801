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
		title: fmt.Sprintf("statements on %s fail with %s", s.Collection, s.Codes[0].Code),
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
		if _, changed := f.deployed(caller, "executable"); changed {
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
				culprit: telemetry.Service(s.Service), service: s.Service, mechanism: investigation.TrafficSurge, confidence: 0.55,
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
		h := hypothesis{
			culprit: telemetry.Service(s.Service), service: s.Service, mechanism: investigation.SlowDependency, confidence: 0.45,
			title: fmt.Sprintf("%s became slow by itself", s.Service),
			missing: []string{
				fmt.Sprintf("what happens inside %s: its code, profile or locks", s.Service),
			},
		}
		if s.Failing {
			h.mechanism, h.title = investigation.FailingDependency, fmt.Sprintf("%s began to fail by itself", s.Service)
		}
		if f.byItself(s) && f.outweighs(s) {
			h.confidence = 0.62
		}
		f.ownClaim(&h, s)
		h.summary = fmt.Sprintf("Since %s %s. Everything it calls is as before; why it changed is not in the telemetry.", f.onset.Format("15:04:05"), describe(s))
		out = append(out, h)
	}
	return out
}

// outweighs says that nearly all of what the suspects lose by themselves, in time and failed requests, is this one's.
func (f *facts) outweighs(s result.ServiceChange) bool {
	var all float64
	for _, suspect := range f.suspects {
		if other, answers := f.service(suspect.Name); answers {
			all += loss(other)
		}
	}
	return loss(s) > 0 && loss(s) >= 0.75*all
}

// loss is what a service costs by itself: milliseconds per second, a failed request counting as much as a second.
func loss(s result.ServiceChange) float64 {
	failed := max(0, s.Fault.ErrorRatio-s.Healthy.ErrorRatio-max(0, s.CallErrors.Fault-s.CallErrors.Healthy))
	return s.Fault.RatePerS * (max(0, s.SelfMS.Fault-s.SelfMS.Healthy) + 1000*failed)
}
