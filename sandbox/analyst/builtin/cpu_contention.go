package builtin

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/midwatch/midwatch/internal/analysis"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	hogCores   = 0.5  // more than before
	delayed    = 0.03 // s/s that a service waits for a core …
	delayRatio = 3.0  // … and this many times more than before
	delayFloor = 0.003

	busyMachine = 0.8  // share of a machine's cores in use, from which whoever wants one waits
	othersWait  = 2    // services besides, which says that the wait is the machine's
	ownCPU      = 1.5  // times what a service took before, and …
	ownCPUFloor = 0.05 // … cores besides, up to which it takes as much as before
)

// cpuContention: a process that serves nobody takes the cores, and services wait for one.
func cpuContention(f *facts) []hypothesis {
	if f.hosts == nil {
		return nil
	}
	var hog result.ServiceUsage
	var waiting []string
	for _, u := range f.hosts.Services {
		if more := u.CPU.Fault - u.CPU.Healthy; more >= hogCores && more > hog.CPU.Fault-hog.CPU.Healthy && !f.inGraph(u.Service) && !ours(u.Service) {
			hog = u
		}
		if f.inGraph(u.Service) && waits(u) {
			waiting = append(waiting, u.Service)
		}
	}
	if hog.Service == "" || len(waiting) < 2 {
		return nil
	}
	slices.Sort(waiting)
	return []hypothesis{f.starved(hog, waiting)}
}

// ours says that a process is Midwatch's own. What it needs to look at a fault is not the fault.
func ours(service string) bool { return strings.HasPrefix(service, "midwatch-") }

// failsByItself says that a suspect fails a good part of its requests.
func (f *facts) failsByItself() bool {
	return slices.ContainsFunc(f.bad(), func(s result.ServiceChange) bool {
		return s.Failing && s.Fault.ErrorRatio > 0.05 && f.isSuspect(s.Service) && f.byItself(s)
	})
}

func waits(u result.ServiceUsage) bool {
	return u.RunDelay.Fault >= delayed && u.RunDelay.Fault >= delayRatio*max(u.RunDelay.Healthy, delayFloor)
}

// shortOfCPU says that a service waits for a core on a busy machine where others wait as well, takes no more of it than before, and would not be slow
// but for that: what makes it slow is the machine, whoever takes it.
func (f *facts) shortOfCPU(s result.ServiceChange) (result.ServiceUsage, bool) {
	u, known := f.usage(s.Service)
	if !known || !waits(u) || takesMore(u) || len(f.waiting(s.Service)) < othersWait {
		return u, false
	}
	waited := 1000 * (analysis.Ratio(u.RunDelay.Fault, s.Fault.RatePerS) - analysis.Ratio(u.RunDelay.Healthy, s.Healthy.RatePerS)) // ms of a request
	return u, waited >= 0.5*(s.SelfMS.Fault-s.SelfMS.Healthy) &&
		slices.ContainsFunc(f.hosts.Hosts, func(h result.Host) bool { return h.CPUBusy.Fault >= busyMachine })
}

// takesMore says that a service takes more CPU than before.
func takesMore(u result.ServiceUsage) bool { return u.CPU.Fault > ownCPU*u.CPU.Healthy+ownCPUFloor }

// sharedClaim takes from a hypothesis that blames a service for being slow by itself what it lacks if others that have nothing to do with it are slow as well: for want of a
// core, or for what nobody measured.
func (f *facts) sharedClaim(h *hypothesis, s result.ServiceChange) {
	switch {
	case f.tellWait(h, s):
		h.confidence -= 0.3
		h.missing = append(h.missing, fmt.Sprintf("what takes the machine's CPU: %s is short of it, and uses no more than before", s.Service))
	case f.tellElsewhere(h, s):
		h.confidence -= 0.3
		h.missing = append(h.missing, fmt.Sprintf("what %d services that have nothing to do with %s share, and are slow for", len(f.elsewhere), s.Service))
	}
}

// tellWait claims that a service is slow because it waits for a core, if it is.
func (f *facts) tellWait(h *hypothesis, s result.ServiceChange) bool {
	u, short := f.shortOfCPU(s)
	if !short || s.Failing {
		return false
	}
	id := f.ids["host_resources"]
	h.claim(fmt.Sprintf("%s is ready to run but waits for a core %s of the time (before %s), as others on its machine do.", s.Service, share(u.RunDelay.Fault), share(u.RunDelay.Healthy)),
		id, some(id, "services", is("service", s.Service), atLeast(delayed, "run_delay", "fault")))
	return true
}

func (f *facts) starved(hog result.ServiceUsage, waiting []string) hypothesis {
	h := hypothesis{
		culprit: telemetry.Service(hog.Service), service: hog.Service, mechanism: investigation.CPUContention, confidence: 0.93,
		title: fmt.Sprintf("%s takes the CPU that %s need", hog.Service, join(waiting[:min(len(waiting), 3)])),
		summary: fmt.Sprintf("%s uses %.1f cores (before %.1f) and serves nobody; %d services wait for a core and are slow for it.", hog.Service,
			hog.CPU.Fault, hog.CPU.Healthy, len(waiting)),
	}
	switch {
	case len(f.bad()) == 0:
		h.confidence = 0.7 // services wait, but nobody was hurt yet
	case f.failsByItself():
		h.confidence -= 0.2 // who waits for a core is slow; who fails has a reason of its own
	}
	id := f.ids["host_resources"]
	h.claim(fmt.Sprintf("%s uses %.2f cores, before %.2f, and takes part in no conversation.", hog.Service, hog.CPU.Fault, hog.CPU.Healthy),
		id, some(id, "services", is("service", hog.Service), fmt.Sprintf(`x["cpu"]["fault"] - x["cpu"]["healthy"] >= %s`, figure(hogCores))))
	h.claim(fmt.Sprintf("%s are ready to run but wait for a core many times longer than before.", join(waiting)),
		id, fmt.Sprintf(`len([x for x in ev[%q]["services"] if x["run_delay"]["fault"] >= %s and x["run_delay"]["fault"] >= %s * max(x["run_delay"]["healthy"], %s)]) >= 2`,
			id, figure(delayed), figure(delayRatio), figure(delayFloor)))
	for _, host := range f.hosts.Hosts {
		if host.CPUBusy.Fault >= busyMachine && host.CPUBusy.Fault > host.CPUBusy.Healthy {
			h.claim(fmt.Sprintf("%s is %s busy, before %s.", host.Host, share(host.CPUBusy.Fault), share(host.CPUBusy.Healthy)),
				id, some(id, "hosts", is("host", host.Host), atLeast(busyMachine, "cpu_busy", "fault")))
			break
		}
	}
	if p, found := f.hogProcess(hog.Service); found {
		h.fix = f.draft(investigation.StopProcess, hog.Service, map[string]string{"process": p.PID + ":" + p.StartTicks + ":" + p.Executable},
			"It is not needed by any service, and they recover when it stops.")
	}
	return h
}

// hogProcess is the process to stop: the one that started first of those that take their share, because it is the one that
// started the others.
func (f *facts) hogProcess(service string) (result.Process, bool) {
	var candidates []result.Process
	for _, p := range f.hosts.Processes {
		if p.Service == service && p.CPU.Fault > 0.05 && p.PID != "" && p.StartTicks != "" && p.Executable != "" {
			candidates = append(candidates, p)
		}
	}
	if len(candidates) == 0 {
		return result.Process{}, false
	}
	return slices.MinFunc(candidates, func(a, b result.Process) int {
		return cmp.Or(cmp.Compare(ticks(a), ticks(b)), cmp.Compare(a.PID, b.PID))
	}), true
}

func ticks(p result.Process) uint64 {
	n, err := strconv.ParseUint(p.StartTicks, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
