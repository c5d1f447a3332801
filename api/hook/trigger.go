package hook

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Bounds of a trigger's texts, in bytes; investigation.MaxTrigger bounds it as a whole, escapes included.
const (
	maxSummary = 400
	maxName    = 120 // of rules, services and labels
	maxLabels  = 12  // of attributes kept
	maxOld     = time.Hour
)

// trigger makes an alert a trigger. Its id is that of the alert's fingerprint and start: the same while the alert lasts.
func trigger(source Source, a alert, now time.Time, cfg Config) investigation.Trigger {
	rule := first(a.Labels, maxName, "alertname", "rulename")
	if rule == "" {
		rule = "unnamed"
	}
	t := investigation.Trigger{
		ID: id(source, a), Kind: investigation.Alert, Environment: cfg.Environment, Rule: string(source) + "/" + rule,
		Service: first(a.Labels, maxName, cfg.ServiceLabels...), Severity: severity(a.Labels),
		Onset: began(a.StartsAt, now), At: now.UTC(), Value: value(a.Values), Attributes: attributes(source, a),
	}
	if t.Service != "" {
		t.Entity = telemetry.Service(t.Service)
	}
	t.Summary = summary(rule, t.Service, a.Annotations)
	return t.Bounded()
}

// fingerprint is what both systems make: a hash of the labels in hex.
var fingerprint = regexp.MustCompile(`^[0-9a-f]{8,64}$`)

// id is made of safe characters only. An alert without a fingerprint, or with one that is none, gets one of its labels.
func id(source Source, a alert) string {
	print := strings.ToLower(a.Fingerprint)
	if !fingerprint.MatchString(print) {
		h := sha256.New()
		h.Write([]byte(a.Fingerprint))
		for _, k := range slices.Sorted(maps.Keys(a.Labels)) {
			h.Write([]byte("\x00" + k + "\x00" + a.Labels[k]))
		}
		print = "x" + hex.EncodeToString(h.Sum(nil)[:8])
	}
	return string(source) + "-" + print + "-" + strconv.FormatInt(a.StartsAt.UnixMilli(), 36)
}

// began is when an alert began as far as it helps: not in the future, and not longer ago than a window can be asked about.
func began(at, now time.Time) time.Time {
	if at.After(now) {
		at = now
	}
	if old := now.Add(-maxOld); at.Before(old) {
		at = old
	}
	return at.UTC()
}

// summary is one sentence: what the rule's author wrote for people, else which rule it is.
func summary(rule, service string, annotations map[string]string) string {
	text := first(annotations, maxSummary, "summary", "message", "description", "title")
	switch {
	case text == "" && service == "":
		return rule + " fires"
	case text == "":
		return rule + " fires for " + service
	case service != "" && !strings.Contains(text, service):
		return plain(service+": "+text, maxSummary)
	}
	return text
}

// severity reads what people write; an alert that says nothing is worth a look.
func severity(labels map[string]string) investigation.Severity {
	switch strings.ToLower(first(labels, maxName, "severity", "priority", "level")) {
	case "critical", "crit", "page", "fatal", "emergency", "error", "high", "major", "p0", "p1", "sev0", "sev1", "1":
		return investigation.Critical
	case "info", "information", "informational", "none", "low", "notice", "debug", "p4", "p5", "sev4", "sev5":
		return investigation.Info
	}
	return investigation.Warning
}

// value is what was measured, when it is one number.
func value(values map[string]*float64) float64 {
	if len(values) != 1 {
		return 0
	}
	for _, v := range values {
		if v != nil {
			return *v
		}
	}
	return 0
}

// attributes keeps a few labels, in the order of their names.
func attributes(source Source, a alert) map[string]string {
	kept := map[string]string{"source": string(source), "starts_at": a.StartsAt.UTC().Format(time.RFC3339)}
	for _, k := range slices.Sorted(maps.Keys(a.Labels)) {
		if len(kept) >= maxLabels {
			break
		}
		if name := plain(k, maxName); name != "" && k != "alertname" {
			kept["label."+name] = plain(a.Labels[k], maxName)
		}
	}
	return kept
}
