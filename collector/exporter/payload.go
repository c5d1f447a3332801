package exporter

import (
	"fmt"
	"iter"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/collector/envelope"
	"github.com/midwatch/midwatch/collector/exporter/filter"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// payload is a decoded batch. Exactly one of its three is set, as signal says.
type payload struct {
	signal  telemetry.Signal
	traces  ptrace.Traces
	metrics pmetric.Metrics
	logs    plog.Logs
}

func decode(b envelope.Batch) (p payload, err error) {
	p.signal = b.Signal
	switch b.Signal {
	case telemetry.Traces:
		p.traces, err = new(ptrace.ProtoUnmarshaler).UnmarshalTraces(b.OTLP)
	case telemetry.Metrics:
		p.metrics, err = new(pmetric.ProtoUnmarshaler).UnmarshalMetrics(b.OTLP)
	case telemetry.Logs:
		p.logs, err = new(plog.ProtoUnmarshaler).UnmarshalLogs(b.OTLP)
	default:
		err = fmt.Errorf("signal %q", b.Signal)
	}
	return p, err
}

func (p payload) records() int {
	switch p.signal {
	case telemetry.Traces:
		return p.traces.SpanCount()
	case telemetry.Metrics:
		return p.metrics.DataPointCount()
	default:
		return p.logs.LogRecordCount()
	}
}

// newest is the latest time that a record names, by the clock of the node that made it; zero when none does.
func (p payload) newest() time.Time {
	var newest pcommon.Timestamp
	switch p.signal {
	case telemetry.Traces:
		for _, r := range p.traces.ResourceSpans().All() {
			for _, s := range r.ScopeSpans().All() {
				for _, span := range s.Spans().All() {
					newest = max(newest, span.EndTimestamp())
				}
			}
		}
	case telemetry.Metrics:
		for _, r := range p.metrics.ResourceMetrics().All() {
			for _, s := range r.ScopeMetrics().All() {
				for _, m := range s.Metrics().All() {
					for _, point := range points(m).All() {
						newest = max(newest, point.Timestamp())
					}
				}
			}
		}
	case telemetry.Logs:
		for _, r := range p.logs.ResourceLogs().All() {
			for _, s := range r.ScopeLogs().All() {
				for _, l := range s.LogRecords().All() {
					newest = max(newest, l.ObservedTimestamp())
				}
			}
		}
	}
	if newest == 0 {
		return time.Time{}
	}
	return newest.AsTime()
}

// filter takes out what must not leave.
func (p payload) filter(f *filter.Filters) filter.Counts {
	switch p.signal {
	case telemetry.Traces:
		return f.Traces(p.traces)
	case telemetry.Metrics:
		return f.Metrics(p.metrics)
	default:
		return f.Logs(p.logs)
	}
}

// resources yields the attributes of every resource.
func (p payload) resources() iter.Seq[pcommon.Map] {
	return func(yield func(pcommon.Map) bool) {
		switch p.signal {
		case telemetry.Traces:
			for _, r := range p.traces.ResourceSpans().All() {
				if !yield(r.Resource().Attributes()) {
					return
				}
			}
		case telemetry.Metrics:
			for _, r := range p.metrics.ResourceMetrics().All() {
				if !yield(r.Resource().Attributes()) {
					return
				}
			}
		case telemetry.Logs:
			for _, r := range p.logs.ResourceLogs().All() {
				if !yield(r.Resource().Attributes()) {
					return
				}
			}
		}
	}
}

// text returns an attribute as text, or "".
func text(m pcommon.Map, key string) string {
	if v, ok := m.Get(key); ok {
		return v.AsString()
	}
	return ""
}
