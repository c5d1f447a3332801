package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/midwatch/midwatch/ingest/wire"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// sample is a request of each signal with every kind of record.
func sample(t testing.TB, s telemetry.Signal) []byte {
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
		b, err = pmetricotlp.NewExportRequestFromMetrics(everyMetric(now)).MarshalProto()
	case telemetry.Profiles:
		b, err = pprofileotlp.NewExportRequestFromProfiles(Profiled(now)).MarshalProto()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func everyMetric(now pcommon.Timestamp) pmetric.Metrics {
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

func TestEveryMetricTypeHasRows(t *testing.T) {
	r := &rows{now: time.Now()}
	if err := r.decode(request{signal: telemetry.Metrics, body: sample(t, telemetry.Metrics)}); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, c := range r.chunks() {
		got[c.table] += c.rows()
	}
	if diff := cmp.Diff(map[string]int{"metric_series": 6, "metric_samples": 4, "histograms": 1, "exponential_histograms": 1, "exemplars": 1}, got); diff != "" || len(r.tally.rejected) > 0 {
		t.Error(diff, r.tally)
	}
}

func TestExplicitBoundsOfExponentialHistogram(t *testing.T) {
	p := pmetric.NewExponentialHistogramDataPoint()
	p.SetScale(0) // powers of two
	p.SetCount(15)
	p.SetZeroCount(5)
	p.Positive().SetOffset(1)
	p.Positive().BucketCounts().FromRaw([]uint64{1, 2}) // (2,4], (4,8]
	p.Negative().SetOffset(0)
	p.Negative().BucketCounts().FromRaw([]uint64{3, 4}) // [-2,-1), [-4,-2)
	got, ok := explicit(p)
	want := buckets{bounds: []float64{-2, -1, 2, 4, 8}, counts: []uint64{4, 3, 5, 1, 2, 0}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(buckets{})); diff != "" || !ok {
		t.Error(diff, ok)
	}
	p.Positive().SetOffset(math.MaxInt32)
	if _, ok := explicit(p); ok {
		t.Error("bounds at infinity accepted")
	}
}

func TestRequestsSplitByDay(t *testing.T) {
	ld := plog.NewLogs()
	list := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	now := time.Date(2026, 3, 2, 0, 0, 30, 0, time.UTC)
	for i := range 4 {
		list.AppendEmpty().SetTimestamp(pcommon.NewTimestampFromTime(now.Add(-time.Duration(i) * 20 * time.Second)))
	}
	r := &rows{now: now}
	decodeLogs(t, r, ld)
	got := map[string]int{}
	for _, c := range r.chunks() {
		got[c.day.date()] = c.rows()
	}
	if diff := cmp.Diff(map[string]int{"2026-03-02": 2, "2026-03-01": 2}, got); diff != "" {
		t.Error(diff)
	}
}

func decodeLogs(t *testing.T, r *rows, ld plog.Logs) {
	t.Helper()
	b, err := plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.decode(request{signal: telemetry.Logs, body: b}); err != nil {
		t.Fatal(err)
	}
}

// TestRequestIsBounded sends what becomes far larger than it came.
func TestRequestIsBounded(t *testing.T) {
	ld := plog.NewLogs()
	list := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	list.EnsureCapacity(500_000)
	for range 500_000 { // 2 bytes each
		list.AppendEmpty()
	}
	r := &rows{now: time.Now()}
	decodeLogs(t, r, ld)
	if r.expanded > maxExpanded || r.tally.rejected[requestTooLarge] == 0 || r.tally.stored == 0 {
		t.Errorf("%d bytes, %+v", r.expanded, r.tally)
	}
}

func TestDeepValuesAreRefused(t *testing.T) {
	nested := func(levels int) []byte {
		ld := plog.NewLogs()
		v := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body()
		for i := range levels {
			if i%2 == 0 {
				v = v.SetEmptySlice().AppendEmpty()
			} else {
				v = v.SetEmptyMap().PutEmpty("k")
			}
		}
		b, err := plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if _, err := shaped(request{signal: telemetry.Logs, body: nested(40)}); err != nil {
		t.Error("40 levels:", err)
	}
	if _, err := shaped(request{signal: telemetry.Logs, body: nested(100)}); !errors.Is(err, wire.ErrDeep) {
		t.Error("100 levels:", err)
	}
	for _, s := range []telemetry.Signal{telemetry.Traces, telemetry.Metrics, telemetry.Logs, telemetry.Profiles} {
		if _, err := shaped(request{signal: s, body: sample(t, s)}); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	for text, want := range map[string]error{
		`{"a":"[[[[` + strings.Repeat("[", 1000) + `\""}`: nil, strings.Repeat("[", 1000): wire.ErrDeep,
		"[" + strings.Repeat("{},", 1_000_000): nil, "[" + strings.Repeat("{},", 3_000_000): errMany,
	} {
		if _, err := shaped(request{json: true, body: []byte(text)}); !errors.Is(err, want) {
			t.Errorf("JSON %.20s of %d bytes: %v, want %v", text, len(text), err, want)
		}
	}
	// A sum of empty points: two bytes each.
	points := bytes.Repeat([]byte{0x0a, 0}, 3_000_000)
	for _, field := range []byte{0x3a, 0x12, 0x12, 0x0a} {
		points = append(protowire.AppendVarint([]byte{field}, uint64(len(points))), points...)
	}
	if _, err := shaped(request{signal: telemetry.Metrics, body: points}); !errors.Is(err, errMany) {
		t.Error("three million points:", err)
	}
	stacks := bytes.Repeat([]byte{0x3a, 0}, 3_000_000)
	stacks = append(protowire.AppendVarint([]byte{0x12}, uint64(len(stacks))), stacks...)
	samples := bytes.Repeat([]byte{0x12, 0}, 3_000_000)
	for range 3 {
		samples = append(protowire.AppendVarint([]byte{0x12}, uint64(len(samples))), samples...)
	}
	samples[0] = 0x0a
	for name, body := range map[string][]byte{"stacks": stacks, "samples": samples} {
		if _, err := shaped(request{signal: telemetry.Profiles, body: body}); !errors.Is(err, errMany) {
			t.Errorf("three million %s: %v", name, err)
		}
	}
}

func TestFatesForgetInOrder(t *testing.T) {
	start := time.Now()
	f := newFates(start)
	later := start.Add(2 * warmUp)
	if is, _ := f.begin("early", start); is != unknown {
		t.Error("a request just after the start is not looked up")
	}
	f.end("early", stored, start)
	if is, wait := f.begin("doubt", later); is != unseen || wait != nil {
		t.Error("a new request is not new")
	}
	if _, wait := f.begin("doubt", later); wait == nil {
		t.Error("a request in flight was given out twice")
	}
	f.end("doubt", unknown, later)
	if is, _ := f.begin("early", later); is != stored {
		t.Error("a stored request was forgotten")
	}
	f.end("early", stored, later)
	for i := range maxFates + 1 {
		id := fmt.Sprint(i)
		f.begin(id, later)
		f.end(id, stored, later)
	}
	if len(f.known) != maxFates || len(f.order) != maxFates {
		t.Errorf("%d remembered", len(f.known))
	}
	if is, _ := f.begin("doubt", later); is != unknown {
		t.Error("a doubtful request was forgotten and looks new")
	}
}
