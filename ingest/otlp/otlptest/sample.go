// Package otlptest has telemetry for tests.
package otlptest

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// Sample is a request of each signal with every kind of record.
func Sample(t testing.TB, s telemetry.Signal) []byte {
	t.Helper()
	var b []byte
	var err error
	now := pcommon.NewTimestampFromTime(time.Now())
	switch s {
	case telemetry.Traces:
		td := ptrace.NewTraces()
		sp := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		sp.SetTraceID(pcommon.TraceID{1})
		sp.SetSpanID(pcommon.SpanID{1})
		sp.SetStartTimestamp(now)
		sp.SetEndTimestamp(now)
		e := sp.Events().AppendEmpty()
		e.SetName("exception")
		e.Attributes().PutStr("exception.message", "boom")
		b, err = ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
	case telemetry.Logs:
		ld := plog.NewLogs()
		l := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		l.Body().SetEmptyMap().PutEmptySlice("list").AppendEmpty().SetInt(1)
		b, err = plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
	case telemetry.Metrics:
		b, err = pmetricotlp.NewExportRequestFromMetrics(EveryMetric(now)).MarshalProto()
	case telemetry.Profiles:
		b, err = pprofileotlp.NewExportRequestFromProfiles(Profiled(now)).MarshalProto()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// EveryMetric has a metric of each type.
func EveryMetric(now pcommon.Timestamp) pmetric.Metrics {
	md := pmetric.NewMetrics()
	ms := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
	named := func(name string) pmetric.Metric {
		m := ms.AppendEmpty()
		m.SetName(name)
		return m
	}
	x := named("exponential").SetEmptyExponentialHistogram()
	x.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	xp := x.DataPoints().AppendEmpty()
	xp.SetTimestamp(now)
	xp.Positive().BucketCounts().FromRaw([]uint64{1, 2})
	xp.Exemplars().AppendEmpty().SetTraceID(pcommon.TraceID{1})
	xp.Negative().BucketCounts().FromRaw([]uint64{3})
	h := named("histogram").SetEmptyHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	h.DataPoints().AppendEmpty().SetTimestamp(now)
	sp := named("summary").SetEmptySummary().DataPoints().AppendEmpty()
	sp.SetTimestamp(now)
	sp.QuantileValues().AppendEmpty().SetQuantile(0.5)
	named("gauge").SetEmptyGauge().DataPoints().AppendEmpty().SetTimestamp(now)
	named("sum").SetEmptySum() // no temporality, no points
	return md
}
