package builtin

import (
	"fmt"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	throttled     = 0.2 // share of the time a container is held back, from which it hurts
	throttledMore = 2.0 // times what it was before
)

// cpuThrottling: a service is slow by itself because its container is held back at its CPU limit.
func cpuThrottling(f *facts) []hypothesis {
	var out []hypothesis
	seen := map[string]bool{}
	for _, p := range f.processes() {
		slow, answers := f.service(p.Service)
		if seen[p.Service] || p.Throttled.Fault < throttled || p.Throttled.Fault < throttledMore*p.Throttled.Healthy || !answers || !slow.Slow {
			continue
		}
		seen[p.Service] = true
		out = append(out, f.heldBack(p, slow))
	}
	return out
}

func (f *facts) heldBack(p result.Process, slow result.ServiceChange) hypothesis {
	h := hypothesis{
		culprit: telemetry.Service(p.Service), service: p.Service, mechanism: investigation.CPUThrottling, confidence: 0.86,
		title: fmt.Sprintf("%s is held back at its CPU limit of %.3g cores", p.Service, p.CPULimit),
	}
	for _, d := range f.changesOf(p.Service) {
		if d.Kind == telemetry.ChangeResources || d.Kind == telemetry.ChangeImage {
			h.confidence = 0.95
			if d.Namespace != "" && d.Workload != "" {
				w := workload{d.Namespace, d.Workload}
				h.culprit = w.entity()
				h.fix = f.takeBack(w, d, "What ran before was not held back.")
			}
			f.changeClaim(&h, d)
			h.title += since(d, true)
			break
		}
	}
	id := f.ids["process_resources"]
	h.claim(fmt.Sprintf("%s is held back for %s of the time (before %s) at its limit of %.3g cores.", p.Service, share(p.Throttled.Fault), share(p.Throttled.Healthy), p.CPULimit),
		id, some(id, "processes", is("service", p.Service), atLeast(throttled, "throttled", "fault"), fmt.Sprintf(`x["throttled"]["fault"] >= %s * x["throttled"]["healthy"]`, figure(throttledMore))))
	f.ownClaim(&h, slow)
	h.summary = fmt.Sprintf("%s. The kernel holds it back for %s of the time, because it needs more than its limit of %.3g cores.", describe(slow), share(p.Throttled.Fault), p.CPULimit)
	return h
}

// changesOf are the deployments of a service within the lookback, the last first.
func (f *facts) changesOf(service string) []result.Deployment {
	var out []result.Deployment
	if f.changes != nil {
		for _, d := range f.changes.Deployments {
			if d.Service == service && d.Time.Before(f.onset.Add(rightAfter)) {
				out = append([]result.Deployment{d}, out...)
			}
		}
	}
	return out
}
