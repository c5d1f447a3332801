package filter

import (
	"regexp"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/internal/rules"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// maxText bounds what is looked through at once, in bytes. Lines of logs are cut at 64 KiB before they come here.
const maxText = 1 << 20

// redaction is a rule that is ready to be applied.
type redaction struct {
	pattern     *regexp.Regexp
	replacement string
	everywhere  bool
	bodies      bool
	attributes  []*regexp.Regexp
}

func newRedaction(r rules.Redaction) (*redaction, error) {
	pattern, err := r.Compile()
	if err != nil {
		return nil, err
	}
	out := &redaction{pattern: pattern, replacement: rules.DefaultReplacement, everywhere: r.Everywhere(), bodies: r.Bodies}
	if r.Replacement != nil {
		out.replacement = *r.Replacement
	}
	for _, a := range r.Attributes {
		out.attributes = append(out.attributes, wildcard(a))
	}
	return out, nil
}

func (r *redaction) ofBodies() bool { return r.everywhere || r.bodies }

func (r *redaction) ofAttribute(key string) bool {
	return r.everywhere && !identifies(key) || slices.ContainsFunc(r.attributes, func(a *regexp.Regexp) bool { return a.MatchString(key) })
}

// replace replaces what the pattern finds.
func (r *redaction) replace(text string) string {
	if !r.pattern.MatchString(text) {
		return text
	}
	return r.pattern.ReplaceAllString(text, r.replacement)
}

// identity are attributes that say whose telemetry it is. A rule that says nothing of attributes leaves them alone: a pattern for long
// numbers must not make all containers one.
var identity = map[string]bool{
	telemetry.EventName: true, telemetry.K8sWorkload: true, telemetry.ObjectAction: true, telemetry.ObjectActor: true,
	telemetry.ChangeKind: true, telemetry.ChangeID: true, telemetry.ProcessPID: true, telemetry.Environment: true,
}

// podLabels begins the attributes that carry labels of pods, which may be anything.
const podLabels = "k8s.pod.label."

func identifies(key string) bool {
	if identity[key] {
		return true
	}
	for _, prefix := range []string{"service.", "host.", "container.", "telemetry.sdk.", "k8s."} {
		if strings.HasPrefix(key, prefix) {
			return !strings.HasPrefix(key, podLabels)
		}
	}
	return false
}

// contents are attributes that hold what a body would: parts of a file or of an object.
var contents = map[string]bool{telemetry.ObjectDiff: true, telemetry.ChangeBefore: true, telemetry.ChangeAfter: true, telemetry.ChangeDetail: true}
