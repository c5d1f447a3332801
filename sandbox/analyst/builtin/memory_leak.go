package builtin

import (
	"fmt"
	"slices"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	nearLimit    = 0.6 // share of the limit from which growth is dangerous
	leakGrowth   = 1.5 // times its healthy memory
	secondsAhead = 300 // within which the limit is hit at the present rate
)

// memoryLeak: a service grows towards its limit, or was killed there.
func memoryLeak(f *facts) []hypothesis {
	names := map[string]bool{}
	if f.changes != nil {
		for _, k := range f.changes.OOMKills {
			names[k.Service] = f.killed(k.Service) > 0
		}
	}
	for _, p := range f.processes() {
		if growing(p) {
			names[p.Service] = true
		}
	}
	var out []hypothesis
	for _, name := range sortedKeys(names) {
		if h, ok := f.leak(name); ok && f.concerns(name) {
			out = append(out, h)
		}
	}
	return out
}

func (f *facts) processes() []result.Process {
	if f.resources == nil {
		return nil
	}
	return f.resources.Processes
}

// growing says that a process came near its limit and grew to get there.
func growing(p result.Process) bool {
	if p.MemoryBytes.Fault == 0 || p.LimitBytes <= 0 || p.MemoryMax < nearLimit*p.LimitBytes {
		return false
	}
	grew := p.MemoryMax >= leakGrowth*max(1, min(p.MemoryFirst, p.MemoryMax)) || p.MemoryBytes.Healthy > 0 && p.MemoryMax >= leakGrowth*p.MemoryBytes.Healthy
	// One that was near its limit all the time has a tight limit, not a leak; one that is flat now has had its warm-up.
	soon := p.GrowthPerS > 0 && (p.LimitBytes-p.MemoryLast)/p.GrowthPerS < secondsAhead
	return grew && soon
}

// killed is how often the kernel killed a service for want of memory around the fault.
func (f *facts) killed(service string) int {
	n := 0
	if f.changes != nil {
		for _, k := range f.changes.OOMKills {
			if k.Service == service && k.Time.After(f.onset.Add(-rightBefore)) {
				n++
			}
		}
	}
	return n
}

func (f *facts) leak(service string) (hypothesis, bool) {
	kills := f.killed(service)
	var biggest result.Process
	for _, p := range f.processes() {
		if p.Service == service && p.MemoryMax > biggest.MemoryMax {
			biggest = p
		}
	}
	near := biggest.LimitBytes > 0 && biggest.MemoryMax >= nearLimit*biggest.LimitBytes
	if kills == 0 && !growing(biggest) {
		return hypothesis{}, false
	}
	h := hypothesis{culprit: telemetry.Service(service), service: service, mechanism: investigation.MemoryLeak, confidence: 0.75}
	changes, resources := f.ids["recent_changes"], f.ids["process_resources"]
	if near {
		h.claim(fmt.Sprintf("%s grew to %s of a limit of %s.", service, megabytes(biggest.MemoryMax), megabytes(biggest.LimitBytes)),
			resources, some(resources, "processes", is("service", service), `x["limit_bytes"] > 0`,
				fmt.Sprintf(`x["memory_max_bytes"] >= %s * x["limit_bytes"]`, figure(nearLimit))))
	}
	if kills > 0 {
		if near {
			h.confidence = 0.95
		}
		h.claim(fmt.Sprintf("The kernel killed %s for want of memory %s.", service, times(kills)), changes, some(changes, "oom_kills", is("service", service)))
		h.title = fmt.Sprintf("%s grows until the kernel kills it", service)
		h.summary = fmt.Sprintf("%s takes more and more memory until the kernel kills it at its limit; it was killed %s. While it is away its callers fail.",
			service, times(kills))
	} else {
		h.title = fmt.Sprintf("%s leaks memory and is about to hit its limit", service)
		h.summary = fmt.Sprintf("%s grows by %s per second and hits its limit of %s soon; the kernel will kill it there.", service,
			megabytes(biggest.GrowthPerS), megabytes(biggest.LimitBytes))
	}
	if d, changed := f.recentRollout(service); changed {
		w, _ := workloadOf(d)
		h.culprit = w.entity()
		h.title += since(d, true)
		h.summary += " " + f.sentence(w, d) + "."
		f.rolloutClaim(&h, w, d)
		h.fix = f.takeBack(w, d, "What ran before did not grow.")
	} else if d, changed := f.recentVersion(service); changed {
		f.changeClaim(&h, d)
		h.fix = f.draft(investigation.RollbackVersion, service, nil, "It grows since its new version; the one before did not.")
	} else {
		h.fix = f.draft(investigation.RestartAction, service, nil, "A restart gives its memory back; the leak itself needs a change of its code.")
	}
	return h, true
}

// recentRollout is the last rollout in Kubernetes of a service in the window of changes: a leak takes time to show, and any setting may
// be what makes it grow, but not how it is asked whether it is well.
func (f *facts) recentRollout(service string) (result.Deployment, bool) {
	for _, d := range f.changesOf(service) {
		if _, ok := workloadOf(d); ok && d.Kind != telemetry.ChangeConfiguration && d.Kind != telemetry.ChangeProbes && !restarted(d) {
			return d, true
		}
	}
	return result.Deployment{}, false
}

// recentVersion is a new executable of a service at any time in the window of changes: a leak takes time to show.
func (f *facts) recentVersion(service string) (result.Deployment, bool) {
	if f.changes != nil {
		for _, d := range slices.Backward(f.changes.Deployments) {
			if d.Service == service && slices.Contains(versions, d.Kind) {
				return d, true
			}
		}
	}
	return result.Deployment{}, false
}

func megabytes(v float64) string { return fmt.Sprintf("%.3g MB", v/1e6) }

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func sortedKeys(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
