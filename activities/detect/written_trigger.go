package detect

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/promql"
	"github.com/midwatch/midwatch/internal/rules"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// maxRuleLabels are kept as a trigger's attributes.
const maxRuleLabels = 12

// Labels that say what a series is about, as PromQL writes them.
var (
	serviceLabels  = []string{"service", promql.Translate(telemetry.ServiceName), "exported_service"}
	namespaceLabel = promql.Translate(telemetry.K8sNamespace)
	workloadLabel  = promql.Translate(telemetry.K8sWorkload)
)

// holder is a series for which a rule holds.
type holder struct {
	labels map[string]string
	value  float64
	onset  time.Time
}

// lasted are the series that held since a moment or longer, by fingerprint. The rule's labels may make several series one.
func lasted(a rules.Alert, holding []promql.Series, since map[string]time.Time, moment time.Time) map[string]holder {
	found := map[string]holder{}
	for _, s := range holding {
		onset := since[fingerprint(s.Labels)]
		if onset.IsZero() || onset.After(moment) {
			continue
		}
		labels := maps.Clone(s.Labels)
		delete(labels, "__name__")
		maps.Copy(labels, a.Labels)
		key := fingerprint(labels)
		if other, double := found[key]; !double || onset.Before(other.onset) {
			found[key] = holder{labels, s.Points[len(s.Points)-1].Value, onset}
		}
	}
	return found
}

// ruleTriggers makes triggers of at most limit series, the same ones each time.
func (d *Detector) ruleTriggers(a rules.Alert, found map[string]holder, limit int, now time.Time) []investigation.Trigger {
	threshold, _ := promql.Threshold(a.Expr)
	var out []investigation.Trigger
	for _, key := range slices.Sorted(maps.Keys(found))[:min(limit, len(found))] {
		h := found[key]
		onset := d.onsets.settle(a.Rule(), key, h.onset, now)
		t := investigation.Trigger{
			ID:   triggerID(investigation.Alert, strings.ReplaceAll(a.Rule(), "/", "."), key, onset),
			Kind: investigation.Alert, Environment: d.cfg.Environment, Rule: a.Rule(),
			Severity: cmp.Or(a.Severity, investigation.Warning), Value: h.value, Threshold: threshold,
			Onset: onset.UTC(), At: now.UTC(), Attributes: ruleAttributes(h.labels),
		}
		t.Service, t.Entity = about(a, h.labels)
		t.Summary = ruleSummary(a, t.Service, h.labels, h.value)
		out = append(out, t.Bounded())
	}
	return out
}

func ruleAttributes(labels map[string]string) map[string]string {
	kept := map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		if len(kept) < maxRuleLabels {
			kept["label."+k] = labels[k]
		}
	}
	return kept
}

// about reads off a series' labels which service and what it is about; "" and "" if they do not tell.
func about(a rules.Alert, labels map[string]string) (service string, entity telemetry.Entity) {
	namespace := labels[namespaceLabel]
	kind, workload, isWorkload := strings.Cut(labels[workloadLabel], "/")
	names := serviceLabels
	if a.Service != "" {
		names = []string{a.Service}
	}
	for _, name := range names {
		service = cmp.Or(service, labels[name])
	}
	switch {
	case isWorkload && namespace != "":
		return cmp.Or(service, telemetry.ServiceOf(namespace, workload)), telemetry.Workload(namespace, kind+"/"+workload)
	case service != "":
		return service, telemetry.Service(service)
	case labels["host"] != "":
		return "", telemetry.Host(labels["host"])
	}
	return "", ""
}

func ruleSummary(a rules.Alert, service string, labels map[string]string, value float64) string {
	if a.Summary != "" {
		return rules.Fill(a.Summary, labels, value)
	}
	if service != "" {
		return rules.Fill("{{ $labels.service }}: "+a.Name+" holds, at {{ $value }}", map[string]string{"service": service}, value)
	}
	return fmt.Sprintf("%s holds, at %.6g", a.Name, value)
}
