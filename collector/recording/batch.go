package recording

import (
	"fmt"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// change is what recording and playing do to a batch.
type change struct {
	time  func(pcommon.Timestamp) pcommon.Timestamp // of every timestamp that is set
	trace func(pcommon.TraceID) pcommon.TraceID     // of every id that is set
	span  func(pcommon.SpanID) pcommon.SpanID
}

func (c change) at(ts pcommon.Timestamp) pcommon.Timestamp {
	if ts == 0 {
		return 0
	}
	return c.time(ts)
}

func (c change) traceID(id pcommon.TraceID) pcommon.TraceID {
	if id.IsEmpty() {
		return id
	}
	return c.trace(id)
}

func (c change) spanID(id pcommon.SpanID) pcommon.SpanID {
	if id.IsEmpty() {
		return id
	}
	return c.span(id)
}

func decode(f frame) (td ptrace.Traces, md pmetric.Metrics, ld plog.Logs, err error) {
	switch f.signal {
	case telemetry.Traces:
		td, err = new(ptrace.ProtoUnmarshaler).UnmarshalTraces(f.otlp)
	case telemetry.Metrics:
		md, err = new(pmetric.ProtoUnmarshaler).UnmarshalMetrics(f.otlp)
	default:
		ld, err = new(plog.ProtoUnmarshaler).UnmarshalLogs(f.otlp)
	}
	if err != nil {
		err = fmt.Errorf("decode %s: %w", f.signal, err)
	}
	return td, md, ld, err
}

func (c change) traces(td ptrace.Traces) {
	for _, r := range td.ResourceSpans().All() {
		for _, ss := range r.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				s.SetStartTimestamp(c.at(s.StartTimestamp()))
				s.SetEndTimestamp(c.at(s.EndTimestamp()))
				s.SetTraceID(c.traceID(s.TraceID()))
				s.SetSpanID(c.spanID(s.SpanID()))
				s.SetParentSpanID(c.spanID(s.ParentSpanID()))
				for _, e := range s.Events().All() {
					e.SetTimestamp(c.at(e.Timestamp()))
				}
				for _, l := range s.Links().All() {
					l.SetTraceID(c.traceID(l.TraceID()))
					l.SetSpanID(c.spanID(l.SpanID()))
				}
			}
		}
	}
}

func (c change) logs(ld plog.Logs) {
	for _, r := range ld.ResourceLogs().All() {
		for _, sl := range r.ScopeLogs().All() {
			for _, l := range sl.LogRecords().All() {
				l.SetTimestamp(c.at(l.Timestamp()))
				l.SetObservedTimestamp(c.at(l.ObservedTimestamp()))
				l.SetTraceID(c.traceID(l.TraceID()))
				l.SetSpanID(c.spanID(l.SpanID()))
			}
		}
	}
}

func (c change) metrics(md pmetric.Metrics) {
	for _, r := range md.ResourceMetrics().All() {
		for _, sm := range r.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				c.metric(m)
			}
		}
	}
}

// point is what the points of all metric types share.
type point interface {
	Timestamp() pcommon.Timestamp
	SetTimestamp(pcommon.Timestamp)
	StartTimestamp() pcommon.Timestamp
	SetStartTimestamp(pcommon.Timestamp)
}

func (c change) point(p point, exemplars pmetric.ExemplarSlice) {
	p.SetTimestamp(c.at(p.Timestamp()))
	p.SetStartTimestamp(c.at(p.StartTimestamp()))
	for _, e := range exemplars.All() {
		e.SetTimestamp(c.at(e.Timestamp()))
		e.SetTraceID(c.traceID(e.TraceID()))
		e.SetSpanID(c.spanID(e.SpanID()))
	}
}

func (c change) metric(m pmetric.Metric) {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		for _, p := range m.Gauge().DataPoints().All() {
			c.point(p, p.Exemplars())
		}
	case pmetric.MetricTypeSum:
		for _, p := range m.Sum().DataPoints().All() {
			c.point(p, p.Exemplars())
		}
	case pmetric.MetricTypeHistogram:
		for _, p := range m.Histogram().DataPoints().All() {
			c.point(p, p.Exemplars())
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			c.point(p, p.Exemplars())
		}
	case pmetric.MetricTypeSummary:
		for _, p := range m.Summary().DataPoints().All() {
			c.point(p, pmetric.NewExemplarSlice())
		}
	}
}
