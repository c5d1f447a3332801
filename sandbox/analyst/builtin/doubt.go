package builtin

import (
	"github.com/midwatch/midwatch/internal/analysis"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// doubt follows bad services down their calls. What a bad service calls, and whose own answers got worse as well, is taken for
// bad on less proof than a service that nobody complains about: where few requests or little healthy time were recorded, the cause
// misses the threshold more easily than its effects, which add up.
func (f *facts) doubt() {
	f.leaning = map[string]bool{}
	if f.comparison == nil {
		return
	}
	var queue []string
	for _, s := range f.bad() {
		queue = append(queue, s.Service)
	}
	for ; len(queue) > 0; queue = queue[1:] {
		for _, e := range f.edgesFrom(queue[0]) {
			if (e.Bad() || leans(e.Change)) && f.suspectTarget(e.To) {
				queue = append(queue, e.To)
			}
		}
	}
}

// suspectTarget takes a service for bad if its answers got worse, and says whether it was not before.
func (f *facts) suspectTarget(service string) bool {
	for i := range f.comparison.Services {
		s := &f.comparison.Services[i]
		if s.Service != service || s.Bad() {
			continue
		}
		if s.Failing, s.Slow = leanings(s.Change); s.Bad() {
			f.leaning[service] = true
			return true
		}
	}
	return false
}

func leans(c result.Change) bool {
	fails, slows := leanings(c)
	return fails || slows
}

func leanings(c result.Change) (fails, slows bool) {
	if c.Healed {
		return false, false
	}
	return analysis.Leans(group(c.Fault), group(c.Healthy), c.ErrorZ, c.LatencyZ)
}

func group(m result.Measure) analysis.Group {
	return analysis.Group{Requests: m.Requests, Errors: m.Errors, P50MS: m.P50MS, P95MS: m.P95MS}
}

// badCheck is the check that a service is as bad as it is taken for.
func (f *facts) badCheck(s result.ServiceChange, more ...string) string {
	conditions := []string{is("service", s.Service)}
	switch {
	case f.leaning[s.Service] && s.Failing:
		conditions = append(conditions, atLeast(2, "error_z"), atLeast(3, "fault", "errors"), `x["fault"]["error_ratio"] >= 2 * x["healthy"]["error_ratio"]`)
	case f.leaning[s.Service]:
		conditions = append(conditions, atLeast(2, "latency_z"), `max(x["p50_ratio"], x["p95_ratio"]) >= 2`)
	case s.Failing:
		conditions = append(conditions, holds("failing"))
	default:
		conditions = append(conditions, holds("slow"))
	}
	return some(f.ids["compare_windows"], "services", append(conditions, more...)...)
}

// pointsTo is the call of a service that accounts for most of what is wrong with it, if one accounts for half; found is false
// otherwise.
func (f *facts) pointsTo(s result.ServiceChange) (worst result.EdgeChange, found bool) {
	most, all := 0.0, loss(s.Fault, s.Healthy)
	for _, e := range f.edgesFrom(s.Service) {
		if lost := loss(e.Fault, e.Healthy); e.To != s.Service && lost > most {
			worst, most = e, lost
		}
	}
	return worst, most > 0 && most >= 0.5*all
}

// loss is what a group of requests costs more than before: milliseconds per second, a failed request counting as much as a second.
func loss(fault, healthy result.Measure) float64 {
	return fault.RatePerS * (max(0, fault.MeanMS-healthy.MeanMS) + 1000*max(0, fault.ErrorRatio-healthy.ErrorRatio))
}

// callsAreWell says that nothing a service calls got worse for it.
func (f *facts) callsAreWell(service string) bool {
	for _, e := range f.edgesFrom(service) {
		if e.Bad() || leans(e.Change) {
			return false
		}
	}
	return true
}

// healthySeconds is how much healthy time was recorded of the service that was there longest.
func (f *facts) healthySeconds() float64 {
	longest := 0.0
	if f.comparison != nil {
		for _, s := range f.comparison.Services {
			longest = max(longest, analysis.Ratio(float64(s.Healthy.Requests), s.Healthy.RatePerS))
		}
	}
	return longest
}

// enoughHealthy is how many seconds of healthy time show what is usual: half of what is asked for.
const enoughHealthy = 30

// thin says that little healthy time was recorded: what differs from it may be as usual.
func (f *facts) thin() bool { return f.healthySeconds() < enoughHealthy }
