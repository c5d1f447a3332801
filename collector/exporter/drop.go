package exporter

import (
	"fmt"
	"regexp"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// DropRule names records that must not leave the cluster: those of a signal whose attribute, their own or their resource's, matches.
type DropRule struct {
	Signal    telemetry.Signal `yaml:"signal"`    // traces, metrics or logs
	Attribute string           `yaml:"attribute"` // such as url.path or service.name
	Value     string           `yaml:"value"`     // a pattern: * is any text, the rest is literal
}

type dropRules map[telemetry.Signal][]dropRule

type dropRule struct {
	attribute string
	value     *regexp.Regexp
}

func newDropRules(in []DropRule) (dropRules, error) {
	out := dropRules{}
	for i, r := range in {
		if r.Signal != telemetry.Traces && r.Signal != telemetry.Metrics && r.Signal != telemetry.Logs {
			return nil, fmt.Errorf("drop rule %d: signal %q: want traces, metrics or logs", i+1, r.Signal)
		}
		if r.Attribute == "" {
			return nil, fmt.Errorf("drop rule %d: no attribute", i+1)
		}
		pattern := "(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(r.Value), `\*`, ".*") + "$"
		out[r.Signal] = append(out[r.Signal], dropRule{r.Attribute, regexp.MustCompile(pattern)}) // quoted, so it compiles
	}
	return out, nil
}

// apply removes what matches and returns how many records that were.
func (d dropRules) apply(p payload) uint64 {
	rules := d[p.signal]
	if len(rules) == 0 {
		return 0
	}
	before := p.records()
	gone := func(m pcommon.Map) bool {
		for _, r := range rules {
			if v, ok := m.Get(r.attribute); ok && r.value.MatchString(v.AsString()) {
				return true
			}
		}
		return false
	}
	switch p.signal {
	case telemetry.Traces:
		dropSpans(p.traces, gone)
	case telemetry.Metrics:
		dropPoints(p.metrics, gone)
	case telemetry.Logs:
		dropLogs(p.logs, gone)
	}
	return uint64(before - p.records())
}

func dropSpans(td ptrace.Traces, gone func(pcommon.Map) bool) {
	td.ResourceSpans().RemoveIf(func(r ptrace.ResourceSpans) bool {
		for _, s := range r.ScopeSpans().All() {
			s.Spans().RemoveIf(func(s ptrace.Span) bool { return gone(s.Attributes()) })
		}
		return gone(r.Resource().Attributes())
	})
}

func dropLogs(ld plog.Logs, gone func(pcommon.Map) bool) {
	ld.ResourceLogs().RemoveIf(func(r plog.ResourceLogs) bool {
		for _, s := range r.ScopeLogs().All() {
			s.LogRecords().RemoveIf(func(l plog.LogRecord) bool { return gone(l.Attributes()) })
		}
		return gone(r.Resource().Attributes())
	})
}

func dropPoints(md pmetric.Metrics, gone func(pcommon.Map) bool) {
	md.ResourceMetrics().RemoveIf(func(r pmetric.ResourceMetrics) bool {
		for _, s := range r.ScopeMetrics().All() {
			for _, m := range s.Metrics().All() {
				dropPointsOf(m, gone)
			}
		}
		return gone(r.Resource().Attributes())
	})
}

func dropPointsOf(m pmetric.Metric, gone func(pcommon.Map) bool) {
	number := func(p pmetric.NumberDataPoint) bool { return gone(p.Attributes()) }
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		m.Gauge().DataPoints().RemoveIf(number)
	case pmetric.MetricTypeSum:
		m.Sum().DataPoints().RemoveIf(number)
	case pmetric.MetricTypeHistogram:
		m.Histogram().DataPoints().RemoveIf(func(p pmetric.HistogramDataPoint) bool { return gone(p.Attributes()) })
	case pmetric.MetricTypeExponentialHistogram:
		m.ExponentialHistogram().DataPoints().RemoveIf(func(p pmetric.ExponentialHistogramDataPoint) bool { return gone(p.Attributes()) })
	case pmetric.MetricTypeSummary:
		m.Summary().DataPoints().RemoveIf(func(p pmetric.SummaryDataPoint) bool { return gone(p.Attributes()) })
	}
}
