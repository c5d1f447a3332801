package builtin

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// changedKey finds a key of a ConfigMap in the diff of a change: "+LOG_LEVEL: debgu", or a path "/data/LOG_LEVEL".
var changedKey = regexp.MustCompile(`(?m)(?:^[+-]\s*"?([A-Za-z0-9_.-]+)"?\s*[:=])|/(?:data|binaryData)/([A-Za-z0-9_.-]+)`)

// keyOf is the key of a ConfigMap that a change touched, "" when the change does not tell.
func keyOf(d result.Deployment) string {
	if m := changedKey.FindStringSubmatch(d.Detail); m != nil {
		return m[1] + m[2]
	}
	return ""
}

// keyClaim says which key of a ConfigMap changed.
func (f *facts) keyClaim(h *hypothesis, d result.Deployment) {
	key, id := keyOf(d), f.ids["recent_changes"]
	if key == "" || d.Kind != "configuration" {
		return
	}
	_, name, _ := strings.Cut(d.Object, "/")
	h.claim(fmt.Sprintf("What changed in %s is its key %s.", name, key), id, some(id, "deployments", is("service", d.Service), is("kind", d.Kind), fmt.Sprintf("%q in x[\"detail\"]", key)))
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
			if d.Kind != "configuration" {
				h.fix = f.takeBack(w, "What ran before started.")
			}
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
