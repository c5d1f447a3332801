package builtin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// podCrashes: a container starts and exits again and again, not for want of memory. A rollout that is stuck for that is not stuck for a probe,
// unless it is the probe that ends the container: failingProbe knows why.
func podCrashes(f *facts) []hypothesis {
	var out []hypothesis
	for _, w := range f.workloads() {
		pods, listed := f.pods(w)
		if !listed {
			continue
		}
		o, c, crashes := pods.ill(func(c result.KubernetesContainer) bool {
			return c.Restarts >= 1 && c.ExitCode != 0 && c.Ended != "OOMKilled" && !c.Ready && !strings.HasPrefix(c.State, "Image")
		})
		t, asked := f.raised(w, investigation.RuleCrashLoop, investigation.RuleStuckRollout)
		if !crashes || !asked || t.Rule == investigation.RuleStuckRollout && f.probed(w) {
			continue
		}
		out = append(out, f.crash(w, pods.id, o, c))
	}
	return out
}

// probed says that a kubelet ends containers of a workload because a probe of theirs fails.
func (f *facts) probed(w workload) bool {
	_, killings := f.said(w, "Killing")
	return slices.ContainsFunc(killings, func(e result.KubernetesEvent) bool {
		return strings.Contains(e.Note, "failed liveness probe") || strings.Contains(e.Note, "failed startup probe")
	})
}

func (f *facts) crash(w workload, id string, o result.KubernetesObject, c result.KubernetesContainer) hypothesis {
	h := hypothesis{culprit: w.entity(), service: w.service(), mechanism: investigation.CrashLoop, confidence: 0.8, told: true}
	d, changed := f.rolled(w)
	if changed {
		h.confidence = 0.94
		f.rolloutClaim(&h, w, d)
		if slices.Contains([]string{"configuration", telemetry.ChangeEnv, telemetry.ChangeCommand, "arguments"}, d.Kind) {
			h.mechanism = investigation.WrongConfiguration
		}
		f.keyClaim(&h, d)
		h.fix = f.takeBack(w, d, "What ran before did not crash.")
	}
	h.claim(fmt.Sprintf("Container %s of %s exits with code %d again and again; %s.", c.Name, o.Name, c.ExitCode, restarts(c)), id,
		someContainer(id, fmt.Sprintf(`c["name"] == %q`, c.Name), fmt.Sprintf(`c["exit_code"] == %d`, c.ExitCode), `c["restarts"] >= 1`, `not c["ready"]`))
	h.title = fmt.Sprintf("%s crashes again and again (exit code %d)%s", w, c.ExitCode, since(d, changed))
	h.summary = fmt.Sprintf("Container %s of %s exits with code %d as soon as it runs.", c.Name, w, c.ExitCode)
	if last := f.lastWords(&h, w); last != "" {
		h.summary += fmt.Sprintf(" Its last line: %s.", strings.TrimSuffix(last, "."))
	}
	if changed {
		h.summary += " " + f.sentence(w, d) + "."
	} else {
		h.missing = append(h.missing, fmt.Sprintf("a change of %s before: none was seen", w))
	}
	return h
}

// lastWords claims what a workload logged that it did not log before, and returns the last of it.
func (f *facts) lastWords(h *hypothesis, w workload) string {
	for _, l := range f.logs {
		for _, p := range l.Patterns {
			if p.Service != w.service() || !p.New {
				continue
			}
			last := clip(p.Sample, 240)
			for _, line := range l.Lines {
				if line.Service == w.service() {
					last = clip(line.Body, 240)
				}
			}
			h.claim(fmt.Sprintf("It says, and did not before: %s", clip(p.Sample, 240)), l.id, some(l.id, "patterns", is("service", p.Service), is("pattern", p.Pattern), holds("new")))
			return last
		}
	}
	return ""
}
