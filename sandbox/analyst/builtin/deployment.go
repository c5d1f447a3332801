package builtin

import (
	"fmt"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// What a service runs, and what it is told: kinds of change on a plain machine and in Kubernetes.
var (
	versions = []string{"executable", telemetry.ChangeImage}
	settings = []string{"configuration", "arguments", telemetry.ChangeEnv, telemetry.ChangeCommand, telemetry.ChangeTemplate, telemetry.ChangeResources, telemetry.ChangeProbes}
)

// culpritOf is what changed: in Kubernetes the workload, else the service.
func culpritOf(d result.Deployment) telemetry.Entity {
	if w, ok := workloadOf(d); ok {
		return w.entity()
	}
	return telemetry.Service(d.Service)
}

// workloadOf is what a change in Kubernetes was made to.
func workloadOf(d result.Deployment) (workload, bool) {
	return workload{d.Namespace, d.Workload}, d.Namespace != "" && d.Workload != ""
}

// canCause says that a change can make a service as bad as it is. A probe decides who gets requests, and makes none of them slow.
func canCause(d result.Deployment, s result.ServiceChange) bool {
	return d.Kind != telemetry.ChangeProbes || s.Failing
}

// areWrong says it of one thing or several.
func areWrong(kind string) string {
	if strings.HasSuffix(kind, "s") {
		return "are wrong"
	}
	return "is wrong"
}

// happened is a change in a sentence without its end.
func (f *facts) happened(d result.Deployment) string {
	if w, ok := workloadOf(d); ok {
		return f.sentence(w, d)
	}
	return fmt.Sprintf("%s changed its %s at %s", d.Service, d.Kind, d.Time.Format("15:04:05"))
}

// backTo drafts that a change is taken back.
func (f *facts) backTo(kind investigation.ActionKind, d result.Deployment, why string) *investigation.FixDraft {
	if w, ok := workloadOf(d); ok {
		return f.takeBack(w, d, why)
	}
	return f.draft(kind, d.Service, nil, why)
}

// badDeployment: a service got a new executable right before the onset, and it fails or is slow by itself.
func badDeployment(f *facts) []hypothesis {
	var out []hypothesis
	for _, s := range f.bad() {
		d, changed := f.deployed(s.Service, versions...)
		if !changed || !f.isSuspect(s.Service) || !f.byItself(s) {
			continue
		}
		h := hypothesis{
			culprit: culpritOf(d), service: s.Service, mechanism: investigation.BadDeployment, confidence: 0.92,
			title: fmt.Sprintf("The new version of %s is bad", s.Service),
		}
		f.changeClaim(&h, d)
		f.ownClaim(&h, s)
		f.sharedClaim(&h, s)
		if f.killed(s.Service) > 0 {
			h.confidence -= 0.3 // it does not fail, it dies: see memoryLeak
		}
		h.summary = fmt.Sprintf("%s was deployed at %s (version %s to %s) and since then %s.", s.Service,
			d.Time.Format("15:04:05"), short(d.Before), short(d.After), strings.TrimPrefix(describe(s), s.Service+" "))
		if f.callsAreWell(s.Service) {
			h.summary += " What it calls is healthy."
		}
		h.fix = f.backTo(investigation.RollbackVersion, d, "The version before did not fail.")
		out = append(out, h)
	}
	return out
}

// byItself says that what is wrong with a service is not what it gets from others: requests fail without a failing call,
// or time passes between its calls.
func (f *facts) byItself(s result.ServiceChange) bool {
	if s.Failing {
		return s.Fault.ErrorRatio-s.Healthy.ErrorRatio > 2*(s.CallErrors.Fault-s.CallErrors.Healthy)
	}
	return s.SelfMS.Fault-s.SelfMS.Healthy > 0.5*(s.Fault.MeanMS-s.Healthy.MeanMS)
}

// changeClaim says what changed; in Kubernetes from what to what, and by whom.
func (f *facts) changeClaim(h *hypothesis, d result.Deployment) {
	if w, ok := workloadOf(d); ok {
		f.rolloutClaim(h, w, d)
		return
	}
	id := f.ids["recent_changes"]
	h.claim(fmt.Sprintf("%s changed its %s at %s, %s.", d.Service, d.Kind, d.Time.Format("15:04:05"), f.relative(d)),
		id, some(id, "deployments", is("service", d.Service), is("kind", d.Kind)))
}

// relative places a change against the onset.
func (f *facts) relative(d result.Deployment) string {
	if s := f.onset.Sub(d.Time).Seconds(); s >= 1 {
		return fmt.Sprintf("%.0f s before the onset", s)
	}
	return "as the trouble began"
}

func (f *facts) ownClaim(h *hypothesis, s result.ServiceChange) {
	id := f.ids["compare_windows"]
	if s.Failing {
		h.claim(fmt.Sprintf("%s, while only %s of its own calls per request fail.", describe(s), share(s.CallErrors.Fault)),
			id, f.badCheck(s), f.badCheck(s, `x["fault"]["error_ratio"] > x["call_errors"]["fault"]`))
		return
	}
	h.claim(fmt.Sprintf("%s; %s of a request is its own time (before %s), not that of what it calls.", describe(s), millis(s.SelfMS.Fault),
		millis(max(0, s.SelfMS.Healthy))),
		id, f.badCheck(s), f.badCheck(s, `x["self_ms"]["fault"] > x["self_ms"]["healthy"] + 5`))
}

// wrongConfiguration: a service calls an address where nobody listens, and did not before; usually its configuration
// changed right then.
func wrongConfiguration(f *facts) []hypothesis {
	if f.comparison == nil {
		return nil
	}
	var out []hypothesis
	for _, e := range f.comparison.Edges {
		if e.Protocol == "tcp" && e.Failing && e.Healthy.Requests == 0 && !f.listened(e.Address) && f.concerns(e.From) {
			out = append(out, f.misdirected(e))
		}
	}
	for _, s := range f.bad() {
		if d, changed := f.deployed(s.Service, settings...); changed && canCause(d, s) && f.isSuspect(s.Service) && f.byItself(s) {
			h := hypothesis{
				culprit: culpritOf(d), service: s.Service, mechanism: investigation.WrongConfiguration, confidence: 0.72,
				title:   fmt.Sprintf("The changed %s of %s %s", d.Kind, s.Service, areWrong(d.Kind)),
				summary: fmt.Sprintf("%s. Since then %s.", f.happened(d), describe(s)),
			}
			f.changeClaim(&h, d)
			f.ownClaim(&h, s)
			if d.Kind != telemetry.ChangeResources { // less CPU is what makes it wait for a core
				f.sharedClaim(&h, s)
			}
			f.keyClaim(&h, d)
			h.fix = f.backTo(investigation.RollbackConfig, d, "The settings before did not fail.")
			out = append(out, h)
		}
	}
	return out
}

func (f *facts) misdirected(e result.EdgeChange) hypothesis {
	h := hypothesis{
		culprit: telemetry.Service(e.From), service: e.From, mechanism: investigation.WrongConfiguration, confidence: 0.55,
		title: fmt.Sprintf("%s calls %s, where nobody listens", e.From, e.Address),
	}
	id := f.ids["compare_windows"]
	d, changed := f.deployed(e.From, settings...)
	if changed {
		h.confidence = 0.8
		f.changeClaim(&h, d)
		if port := e.Address[strings.LastIndex(e.Address, ":")+1:]; strings.Contains(d.Detail, port) {
			h.confidence = 0.95
			changes := f.ids["recent_changes"]
			h.claim(fmt.Sprintf("The change names port %s.", port), changes,
				some(changes, "deployments", is("service", e.From), is("kind", d.Kind), fmt.Sprintf("%q in x[\"detail\"]", port)))
		}
		h.fix = f.backTo(investigation.RollbackConfig, d, "The settings before led somewhere.")
	} else {
		h.missing = append(h.missing, fmt.Sprintf("a change of %s's configuration: none was seen", e.From))
	}
	h.claim(fmt.Sprintf("%s tries to connect to %s and is refused (%d times); it never called that address before.", e.From, e.Address, e.Fault.Requests),
		id, some(id, "edges", is("from", e.From), is("address", e.Address), holds("failing"), holds("new")))
	h.summary = fmt.Sprintf("Since %s, %s calls %s, where nobody listens", f.onset.Format("15:04:05"), e.From, e.Address)
	for _, old := range f.edgesFrom(e.From) {
		if old.Quiet && old.Address != e.Address {
			h.summary += ", instead of where it called before"
			h.claim(fmt.Sprintf("Its calls to %s at %s have stopped (%.3g per second before).", old.To, old.Address, old.Healthy.RatePerS),
				id, some(id, "edges", is("from", e.From), is("to", old.To), holds("quiet")))
			break
		}
	}
	h.summary += "."
	if changed {
		h.summary += fmt.Sprintf(" Its %s changed at %s.", d.Kind, d.Time.Format("15:04:05"))
	}
	return h
}

// listened says that a service was seen to accept connections at an address.
func (f *facts) listened(address string) bool {
	if f.edges != nil {
		for _, e := range f.edges.Endpoints {
			if e.Address == address {
				return true
			}
		}
	}
	return false
}

// short cuts a digest for people; the name of an image stays whole.
func short(version string) string {
	switch {
	case version == "":
		return "unknown"
	case len(version) >= 16 && strings.Trim(version, "0123456789abcdef") == "":
		return version[:12]
	}
	return version
}
