package recording

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// Texts changes every text of a batch that an application chose: the values of attributes, the bodies of logs, the names and
// messages of spans.
func (b Batch) Texts(change func(string) string) {
	t := texts(change)
	switch b.Signal {
	case telemetry.Traces:
		t.traces(b.Traces)
	case telemetry.Metrics:
		t.metrics(b.Metrics)
	default:
		t.logs(b.Logs)
	}
}

type texts func(string) string

func (t texts) traces(td ptrace.Traces) {
	for _, r := range td.ResourceSpans().All() {
		t.attributes(r.Resource().Attributes())
		for _, s := range r.ScopeSpans().All() {
			for _, span := range s.Spans().All() {
				span.SetName(t(span.Name()))
				span.Status().SetMessage(t(span.Status().Message()))
				t.attributes(span.Attributes())
			}
		}
	}
}

func (t texts) metrics(md pmetric.Metrics) {
	for _, r := range md.ResourceMetrics().All() {
		t.attributes(r.Resource().Attributes())
		for _, s := range r.ScopeMetrics().All() {
			for _, m := range s.Metrics().All() {
				t.points(m)
			}
		}
	}
}

func (t texts) points(m pmetric.Metric) {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		for _, p := range m.Gauge().DataPoints().All() {
			t.attributes(p.Attributes())
		}
	case pmetric.MetricTypeSum:
		for _, p := range m.Sum().DataPoints().All() {
			t.attributes(p.Attributes())
		}
	case pmetric.MetricTypeHistogram:
		for _, p := range m.Histogram().DataPoints().All() {
			t.attributes(p.Attributes())
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			t.attributes(p.Attributes())
		}
	case pmetric.MetricTypeSummary:
		for _, p := range m.Summary().DataPoints().All() {
			t.attributes(p.Attributes())
		}
	}
}

func (t texts) logs(ld plog.Logs) {
	for _, r := range ld.ResourceLogs().All() {
		t.attributes(r.Resource().Attributes())
		for _, s := range r.ScopeLogs().All() {
			for _, l := range s.LogRecords().All() {
				t.value(l.Body())
				t.attributes(l.Attributes())
			}
		}
	}
}

func (t texts) attributes(m pcommon.Map) {
	for _, v := range m.All() {
		t.value(v)
	}
}

func (t texts) value(v pcommon.Value) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		v.SetStr(t(v.Str()))
	case pcommon.ValueTypeMap:
		t.attributes(v.Map())
	case pcommon.ValueTypeSlice:
		for _, x := range v.Slice().All() {
			t.value(x)
		}
	}
}
