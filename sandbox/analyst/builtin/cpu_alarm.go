package builtin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// busyAlarm is what an alarm is about that speaks of a process outside the graph of calls, if that process still takes more CPU
// than before.
func (f *facts) busyAlarm() (result.ServiceUsage, bool) {
	for _, t := range f.req.Triggers {
		u, known := f.usage(t.Service)
		if t.Kind == investigation.Anomaly && known && !f.inGraph(t.Service) && u.CPU.Fault-u.CPU.Healthy >= hogCores {
			return u, true
		}
	}
	return result.ServiceUsage{}, false
}

// busy reports who takes the CPU where no request shows that anybody is worse off: what it takes, who else works, who waits, and
// what was not seen.
func (f *facts) busy(hog result.ServiceUsage, r investigation.Report) investigation.Report {
	id := f.ids["host_resources"]
	h := hypothesis{}
	h.claim(fmt.Sprintf("%s uses %.2f cores, before %.2f%s.", hog.Service, hog.CPU.Fault, hog.CPU.Healthy, f.processesOf(hog.Service)),
		id, some(id, "services", is("service", hog.Service), fmt.Sprintf(`x["cpu"]["fault"] - x["cpu"]["healthy"] >= %s`, figure(hogCores))))
	for _, host := range f.hosts.Hosts {
		h.claim(fmt.Sprintf("The CPU of %s is %s busy, before %s.", host.Host, share(host.CPUBusy.Fault), share(host.CPUBusy.Healthy)), id)
		break
	}
	others := f.othersBusy(hog.Service)
	if len(others) > 0 {
		h.claim(fmt.Sprintf("Besides it, most CPU is used by %s.", join(others)), id)
	}
	waiting := f.waiting(hog.Service)
	if len(waiting) > 0 {
		h.claim(fmt.Sprintf("%s: ready to run, but waiting for a core many times longer than before.", join(waiting)), id,
			fmt.Sprintf(`len([x for x in ev[%q]["services"] if x["run_delay"]["fault"] >= %s and x["run_delay"]["fault"] >= %s * max(x["run_delay"]["healthy"], %s)]) >= 1`,
				id, figure(delayed), figure(delayRatio), figure(delayFloor)))
	}
	r.Title = fmt.Sprintf("%s takes %.1f cores", hog.Service, hog.CPU.Fault-hog.CPU.Healthy)
	r.Summary = fmt.Sprintf("Since %s %s uses %.2f cores instead of %.2f.", f.onset.Format("15:04:05"), hog.Service, hog.CPU.Fault, hog.CPU.Healthy)
	if len(waiting) > 0 {
		r.Summary += fmt.Sprintf(" Meanwhile %s wait for a core.", join(waiting))
	}
	if f.comparison != nil && f.requests() >= 20 && f.healthyRequests() >= 20 {
		r.Verdict, r.Confidence = investigation.NoProblem, 0.5
		r.Title += ", and no service is worse for it"
		r.Summary += fmt.Sprintf(" All %d services that answer requests do so as before.", len(f.comparison.Services))
	} else {
		r.Verdict, r.Confidence = investigation.Inconclusive, 0.3
		r.Title += "; whether anybody is worse for it was not seen"
		r.Missing = append(r.Missing, "requests: none to speak of were seen, so it is not known whether anybody is worse for it",
			fmt.Sprintf("what %s does with the CPU: its log, or a profile of it", hog.Service))
	}
	r.Chain = append(r.Chain, h.chain...)
	return r
}

// processesOf says which processes a service's CPU is that of.
func (f *facts) processesOf(service string) string {
	var named []string
	for _, p := range f.hosts.Processes {
		if p.Service == service && p.CPU.Fault > 0.05 && p.Executable != "" && p.PID != "" {
			named = append(named, fmt.Sprintf("%s, process %s", p.Executable, p.PID))
		}
	}
	if len(named) == 0 {
		return ""
	}
	more := ""
	if len(named) > 3 {
		more = fmt.Sprintf("; and %d more", len(named)-3)
	}
	return " (" + strings.Join(named[:min(len(named), 3)], "; ") + more + ")"
}

// othersBusy are the up to four others that use most CPU now, with how much.
func (f *facts) othersBusy(hog string) []string {
	users := slices.DeleteFunc(slices.Clone(f.hosts.Services), func(u result.ServiceUsage) bool { return u.Service == hog || u.CPU.Fault < 0.05 })
	slices.SortStableFunc(users, func(a, b result.ServiceUsage) int {
		switch {
		case a.CPU.Fault > b.CPU.Fault:
			return -1
		case a.CPU.Fault < b.CPU.Fault:
			return 1
		}
		return strings.Compare(a.Service, b.Service)
	})
	var named []string
	for _, u := range users[:min(len(users), 4)] {
		named = append(named, fmt.Sprintf("%s (%.2f cores, before %.2f)", u.Service, u.CPU.Fault, u.CPU.Healthy))
	}
	return named
}

// waiting are the others that wait for a core as they did not before.
func (f *facts) waiting(hog string) []string {
	var named []string
	for _, u := range f.hosts.Services {
		if u.Service != hog && waits(u) {
			named = append(named, u.Service)
		}
	}
	slices.Sort(named)
	return named[:min(len(named), 6)]
}
