package filter

import (
	"fmt"
	"regexp"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/internal/rules"
	"github.com/midwatch/midwatch/internal/telemetry"
)

type dropRules map[telemetry.Signal][]dropRule

type dropRule struct {
	attribute string
	value     *regexp.Regexp
}

func newDropRules(in []rules.Drop) (dropRules, error) {
	out := dropRules{}
	for i, r := range in {
		if err := r.Validate(); err != nil {
			return nil, fmt.Errorf("drop rule %d: %w", i+1, err)
		}
		out[r.Signal] = append(out[r.Signal], dropRule{r.Attribute, wildcard(r.Value)})
	}
	return out, nil
}

// wildcard is a pattern in which * is any text and the rest is literal.
func wildcard(pattern string) *regexp.Regexp {
	return regexp.MustCompile("(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$") // quoted, so it compiles
}

// gone tells of attributes whether a rule of the signal matches them; nil if there is no rule.
func (d dropRules) gone(s telemetry.Signal) func(pcommon.Map) bool {
	list := d[s]
	if len(list) == 0 {
		return nil
	}
	return func(m pcommon.Map) bool {
		for _, r := range list {
			if v, ok := m.Get(r.attribute); ok && r.value.MatchString(v.AsString()) {
				return true
			}
		}
		return false
	}
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
