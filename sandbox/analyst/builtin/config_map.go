package builtin

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// edit is what a change did to one entry of a ConfigMap: its key, or that of the line within it, and the first line that went and that came.
type edit struct{ key, before, after string }

// settingKey is a key at the beginning of a line: `LOG_LEVEL: debgu`, `"level"=`.
var settingKey = regexp.MustCompile(`^\s*"?([A-Za-z0-9_.-]+)"?\s*[:=]`)

// editOf reads the first entry of a ConfigMap's diff: its key after an @, then the lines that differ.
func editOf(d result.Deployment) (e edit) {
	entry, lines := "", true // entries of several lines have keys of their own
	for line := range strings.Lines(d.Detail) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "@ ") && entry != "":
			return e.of(entry, lines)
		case strings.HasPrefix(line, "@ "):
			entry, lines = line[2:], false
		case strings.HasPrefix(line, "@@"):
			lines = true
		case line == "--- before", line == "+++ after": // of a file; what begins with dashes else is an option
		case strings.HasPrefix(line, "-") && e.before == "":
			e.before = strings.TrimSpace(line[1:])
		case strings.HasPrefix(line, "+") && e.after == "":
			e.after = strings.TrimSpace(line[1:])
		}
	}
	return e.of(entry, lines)
}

// of gives an edit its key.
func (e edit) of(entry string, lines bool) edit {
	e.key = entry
	if lines {
		for _, line := range []string{e.after, e.before} {
			if m := settingKey.FindStringSubmatch(line); m != nil {
				e.key = m[1]
			}
		}
	}
	return e
}

// keyClaim says what changed within a ConfigMap.
func (f *facts) keyClaim(h *hypothesis, d result.Deployment) {
	if d.Kind != "configuration" {
		return
	}
	key, id := editOf(d).key, f.ids["recent_changes"]
	if key == "" {
		return
	}
	_, name, _ := strings.Cut(d.Object, "/")
	text := fmt.Sprintf("What changed in %s is its key %s", cmp.Or(name, d.File), key)
	if says := configured(d); says != "" {
		text += ": " + says
	}
	h.claim(text+".", id, some(id, "deployments", is("service", d.Service), is("kind", d.Kind), fmt.Sprintf("%q in x[\"detail\"]", key)))
}

// configured is what became of the first line of a ConfigMap that changed; "" of another change.
func configured(d result.Deployment) string {
	e := editOf(d)
	before, after := clip(e.before, 120), clip(e.after, 120)
	switch {
	case d.Kind != telemetry.ChangeConfiguration:
		return ""
	case before != "" && after != "":
		return before + " became " + after
	case after != "":
		return after + " is new"
	case before != "":
		return before + " is gone"
	}
	return ""
}

// brokenConfiguration: containers of a workload cannot be made, or do not become ready, since a ConfigMap or its environment changed.
// Those that crash are podCrashes'.
func brokenConfiguration(f *facts) []hypothesis {
	var out []hypothesis
	for _, w := range f.workloads() {
		t, asked := f.raised(w, "container_start", "failing_probe", "stuck_rollout")
		d, changed := f.rolled(w, "configuration", telemetry.ChangeEnv)
		pods, listed := f.pods(w)
		if !asked || !listed || !changed && t.Rule != "container_start" {
			continue
		}
		o, c, ill := pods.ill(func(c result.KubernetesContainer) bool {
			return !c.Ready && c.Ended != "OOMKilled" && !strings.Contains(c.State, "Image")
		})
		if !ill {
			continue
		}
		h := hypothesis{
			culprit: w.entity(), service: w.service(), mechanism: investigation.WrongConfiguration, confidence: 0.78, told: true,
			title: fmt.Sprintf("%s does not start%s", w, since(d, changed)),
		}
		if changed {
			h.confidence = 0.9
			f.rolloutClaim(&h, w, d)
			f.keyClaim(&h, d)
			h.fix = f.takeBack(w, d, "What ran before started.")
		}
		says := clip(c.Message, 240)
		h.claim(strings.TrimSuffix(fmt.Sprintf("Container %s of %s is not ready: %s %s", c.Name, o.Name, c.State, says), " ")+".", pods.id,
			someContainer(pods.id, fmt.Sprintf(`c["name"] == %q`, c.Name), fmt.Sprintf(`c["state"] == %q`, c.State), `not c["ready"]`))
		last := f.lastWords(&h, w)
		h.summary = fmt.Sprintf("Pods of %s do not become ready: %s.", w, firstOf(says, last, c.State))
		if changed {
			h.summary += " " + f.sentence(w, d) + "."
		}
		out = append(out, h)
	}
	return out
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return strings.TrimSuffix(t, ".")
		}
	}
	return ""
}
