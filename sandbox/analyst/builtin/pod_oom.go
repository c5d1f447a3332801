package builtin

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// podOutOfMemory: the kernel killed a container at its memory limit.
func podOutOfMemory(f *facts) []hypothesis {
	var out []hypothesis
	for _, w := range f.workloads() {
		pods, listed := f.pods(w)
		if !listed {
			continue
		}
		o, c, killed := pods.ill(func(c result.KubernetesContainer) bool { return c.Ended == "OOMKilled" })
		if !killed {
			continue
		}
		out = append(out, f.outOfMemory(w, pods.id, o, c))
	}
	return out
}

func (f *facts) outOfMemory(w workload, id string, o result.KubernetesObject, c result.KubernetesContainer) hypothesis {
	limit := cmp.Or(c.MemoryLimit, "none")
	h := hypothesis{
		culprit: w.entity(), service: w.service(), mechanism: investigation.OutOfMemory, confidence: 0.93, told: true,
		fix: f.moreMemory(w, c),
	}
	d, changed := f.rolled(w, telemetry.ChangeImage, telemetry.ChangeResources, telemetry.ChangeEnv, telemetry.ChangeCommand, telemetry.ChangeTemplate, "configuration")
	if changed {
		h.confidence = 0.96
		f.rolloutClaim(&h, w, d)
		if back := f.takeBack(w, d, "What ran before was not killed."); back != nil {
			h.fix = back
		}
	}
	grew := false
	for _, p := range f.processes() {
		if p.Service != w.service() || !(p.LimitBytes > 0 && p.MemoryMax >= nearLimit*p.LimitBytes) {
			continue
		}
		resources := f.ids["process_resources"]
		h.claim(fmt.Sprintf("Its memory reached %s of a limit of %s.", megabytes(p.MemoryMax), megabytes(p.LimitBytes)), resources,
			some(resources, "processes", is("service", p.Service), `x["limit_bytes"] > 0`, fmt.Sprintf(`x["memory_max_bytes"] >= %s * x["limit_bytes"]`, figure(nearLimit))))
		grew = growing(p)
		break
	}
	h.claim(fmt.Sprintf("The kernel killed container %s of %s at its memory limit of %s (OOMKilled, exit code %d); %s.", c.Name, o.Name, limit, c.ExitCode, restarts(c)),
		id, someContainer(id, `c["ended"] == "OOMKilled"`, `c["restarts"] >= 1`))
	h.title = fmt.Sprintf("%s runs out of memory at its limit of %s%s", w, limit, since(d, changed))
	if grew {
		h.mechanism = investigation.MemoryLeak
		h.title = fmt.Sprintf("%s grows until the kernel kills it at its limit of %s%s", w, limit, since(d, changed))
	}
	h.summary = fmt.Sprintf("Container %s of %s is killed for want of memory: its limit is %s.", c.Name, w, limit)
	if changed {
		h.summary += " " + f.sentence(w, d) + "."
	} else {
		h.missing = append(h.missing, fmt.Sprintf("a change of %s before: none was seen", w))
	}
	return h
}

var quantity = regexp.MustCompile(`^([1-9][0-9]{0,6})(Ki|Mi|Gi|k|M|G)$`)

// moreMemory drafts twice the limit, where it is known, else a restart: it gives the memory back for a while.
func (f *facts) moreMemory(w workload, c result.KubernetesContainer) *investigation.FixDraft {
	if m := quantity.FindStringSubmatch(c.MemoryLimit); m != nil {
		n, _ := strconv.Atoi(m[1]) // seven digits at most
		twice := strconv.Itoa(2*n) + m[2]
		why := fmt.Sprintf("It needs more than %s; whether it needs less than %s is to be seen.", c.MemoryLimit, twice)
		if fix := f.remedy(investigation.ResizeContainer, w, map[string]string{"container": c.Name, "memory_limit": twice}, why); fix != nil {
			return fix
		}
	}
	return f.remedy(investigation.RestartWorkload, w, nil, "A restart gives its memory back; its limit or its use has to change.")
}

func restarts(c result.KubernetesContainer) string { return "it was restarted " + times(c.Restarts) }
