package builtin

import (
	"fmt"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// failingProbe: containers run, and a probe says that they do not.
func failingProbe(f *facts) []hypothesis {
	var out []hypothesis
	for _, w := range f.workloads() {
		t, asked := f.raised(w, "failing_probe", "stuck_rollout")
		id, unhealthy := f.said(w, "Unhealthy")
		if !asked || len(unhealthy) == 0 {
			continue
		}
		probe, note := probeOf(t, unhealthy)
		h := hypothesis{
			culprit: w.entity(), service: w.service(), mechanism: investigation.FailingProbe, confidence: 0.75, told: true,
			title: fmt.Sprintf("The %s probe of %s fails", probe, w),
		}
		asks := f.asks(w, probe)
		if d, changed := f.rolled(w, telemetry.ChangeProbes); changed {
			h.confidence = 0.96
			h.title = fmt.Sprintf("The %s probe of %s fails since it was changed", probe, w)
			f.rolloutClaim(&h, w, d)
			h.fix = f.takeBack(w, d, "The probe before did not fail.")
			h.summary = f.sentence(w, d) + ". "
		} else if d, changed := f.rolled(w); changed {
			h.confidence = 0.86
			f.rolloutClaim(&h, w, d)
			h.title += since(d, true)
			h.fix = f.takeBack(w, d, "What ran before passed its probe.")
			h.summary = f.sentence(w, d) + ". "
		} else {
			h.missing = append(h.missing, fmt.Sprintf("a change of %s or of its probe: none was seen", w))
		}
		h.claim(fmt.Sprintf("The kubelet says: %s", clip(note, 300)), id, some(id, "events", is("reason", "Unhealthy"), fmt.Sprintf("%q in x[\"note\"].lower()", probe)))
		h.summary += fmt.Sprintf("The %s probe of %s%s fails: %s.", probe, w, asks, strings.TrimSuffix(clip(note, 240), "."))
		out = append(out, h)
	}
	return out
}

// probeOf says which probe fails, and what the kubelet says of it.
func probeOf(t investigation.Trigger, unhealthy []result.KubernetesEvent) (probe, note string) {
	probe = t.Attributes["probe"]
	for _, e := range unhealthy {
		kind, _, _ := strings.Cut(strings.ToLower(e.Note), " probe")
		if probe == "" || kind == probe {
			return kind, e.Note
		}
	}
	kind, _, _ := strings.Cut(strings.ToLower(unhealthy[0].Note), " probe")
	return kind, unhealthy[0].Note
}

// asks is what the probe asks, with a comma before it; "" when no pod tells.
func (f *facts) asks(w workload, probe string) string {
	pods, _ := f.pods(w)
	_, c, found := pods.ill(func(c result.KubernetesContainer) bool { return c.Readiness != "none" || c.Liveness != "none" })
	switch {
	case found && probe == "readiness":
		return " (" + c.Readiness + ")"
	case found && probe == "liveness":
		return " (" + c.Liveness + ")"
	}
	return ""
}
