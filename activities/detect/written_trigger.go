package detect

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/promql"
	"github.com/midwatch/midwatch/internal/rules"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Bounds of a trigger's attributes.
const (
	maxRuleLabels     = 12
	maxRuleSeries     = 10  // listed one by one
	maxRuleSeriesText = 160 // bytes of each
)

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

// about whom a rule holds: all its series of one service, workload or host are one trigger.
type concerned struct {
	service string
	entity  telemetry.Entity
}

// subject is what a trigger's id says of it: no two have the same, for a trigger whose id is known is taken for one that was seen.
func (c concerned) subject() string {
	switch {
	case c.entity == telemetry.Service(c.service):
		return c.service
	case c.service != "":
		return c.service + " " + string(c.entity)
	}
	return cmp.Or(string(c.entity), "all")
}

// ruleTriggers makes a trigger of all series that are about the same, ordered by what they are about.
func (d *Detector) ruleTriggers(a rules.Alert, found map[string]holder, now time.Time) []investigation.Trigger {
	threshold, _ := promql.Threshold(a.Expr)
	groups := map[concerned][]holder{}
	for _, key := range slices.Sorted(maps.Keys(found)) {
		h := found[key]
		service, entity := about(a, h.labels)
		groups[concerned{service, entity}] = append(groups[concerned{service, entity}], h)
	}
	var out []investigation.Trigger
	for c, series := range groups {
		slices.SortStableFunc(series, func(a, b holder) int { return a.onset.Compare(b.onset) })
		first := series[0]
		onset := d.onsets.settle(a.Rule(), c.subject(), first.onset, now)
		t := investigation.Trigger{
			ID:   triggerID(investigation.Alert, strings.ReplaceAll(a.Rule(), "/", "."), c.subject(), onset),
			Kind: investigation.Alert, Environment: d.cfg.Environment, Rule: a.Rule(), Service: c.service, Entity: c.entity,
			Severity: severity(a), Value: first.value, Threshold: threshold, Onset: onset.UTC(), At: now.UTC(), Attributes: ruleAttributes(series),
			Summary: ruleSummary(a, c.service, first.labels, first.value),
		}
		if more := len(series) - 1; more > 0 {
			t.Summary += fmt.Sprintf(" (and %d more series)", more)
		}
		out = append(out, t.Bounded())
	}
	slices.SortFunc(out, func(a, b investigation.Trigger) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Entity, b.Entity))
	})
	return out
}

// ruleAttributes are the labels that all series have and, of several, the first of them with their values.
func ruleAttributes(series []holder) map[string]string {
	kept := map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(series[0].labels)) {
		v := series[0].labels[k]
		if len(kept) < maxRuleLabels && !slices.ContainsFunc(series, func(h holder) bool { return h.labels[k] != v }) {
			kept["label."+k] = v
		}
	}
	if len(series) > 1 {
		kept["series"] = strconv.Itoa(len(series))
		for i, h := range series[:min(len(series), maxRuleSeries)] {
			kept[fmt.Sprintf("series.%02d", i+1)] = h.String()
		}
	}
	return kept
}

// String is a series as PromQL writes it, and its value.
func (h holder) String() string {
	var labels []string
	for _, k := range slices.Sorted(maps.Keys(h.labels)) {
		labels = append(labels, k+"="+strconv.Quote(h.labels[k]))
	}
	return rules.Plain(fmt.Sprintf("%.6g {%s}", h.value, strings.Join(labels, ", ")), maxRuleSeriesText)
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
