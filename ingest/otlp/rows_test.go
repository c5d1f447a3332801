package otlp

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/midwatch/midwatch/ingest/otlp/otlptest"
	"github.com/midwatch/midwatch/ingest/wire"
	"github.com/midwatch/midwatch/internal/telemetry"
)

func TestEveryMetricTypeHasRows(t *testing.T) {
	r := New(Config{Now: time.Now()})
	if err := r.Decode(Request{Signal: telemetry.Metrics, Body: otlptest.Sample(t, telemetry.Metrics)}); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, c := range r.Chunks() {
		got[c.Table] += c.Rows()
	}
	if diff := cmp.Diff(map[string]int{"metric_series": 6, "metric_samples": 4, "histograms": 1, "exponential_histograms": 1, "exemplars": 1}, got); diff != "" || len(r.Tally.Rejected) > 0 {
		t.Error(diff, r.Tally)
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
	r := New(Config{Now: now})
	decodeLogs(t, r, ld)
	got := map[string]int{}
	for _, c := range r.Chunks() {
		got[c.Day.Date()] = c.Rows()
	}
	if diff := cmp.Diff(map[string]int{"2026-03-02": 2, "2026-03-01": 2}, got); diff != "" {
		t.Error(diff)
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
	r := New(Config{Now: time.Now()})
	decodeLogs(t, r, ld)
	if r.expanded > maxExpanded || r.Tally.Rejected[requestTooLarge] == 0 || r.Tally.Stored == 0 {
		t.Errorf("%d bytes, %+v", r.expanded, r.Tally)
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
	if _, err := shaped(Request{Signal: telemetry.Logs, Body: nested(40)}); err != nil {
		t.Error("40 levels:", err)
	}
	if _, err := shaped(Request{Signal: telemetry.Logs, Body: nested(100)}); !errors.Is(err, wire.ErrDeep) {
		t.Error("100 levels:", err)
	}
	for _, s := range []telemetry.Signal{telemetry.Traces, telemetry.Metrics, telemetry.Logs, telemetry.Profiles} {
		if _, err := shaped(Request{Signal: s, Body: otlptest.Sample(t, s)}); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	for text, want := range map[string]error{
		`{"a":"[[[[` + strings.Repeat("[", 1000) + `\""}`: nil, strings.Repeat("[", 1000): wire.ErrDeep,
		"[" + strings.Repeat("{},", 900_000): nil, "[" + strings.Repeat("{},", 1_100_000): ErrMany, "[" + strings.Repeat("1,", 14_000_000): ErrMany,
	} {
		if _, err := shaped(Request{JSON: true, Body: []byte(text)}); !errors.Is(err, want) {
			t.Errorf("JSON %.20s of %d bytes: %v, want %v", text, len(text), err, want)
		}
	}
	// A sum of empty points: two bytes each.
	points := bytes.Repeat([]byte{0x0a, 0}, 1_100_000)
	for _, field := range []byte{0x3a, 0x12, 0x12, 0x0a} {
		points = append(protowire.AppendVarint([]byte{field}, uint64(len(points))), points...)
	}
	if _, err := shaped(Request{Signal: telemetry.Metrics, Body: points}); !errors.Is(err, ErrMany) {
		t.Error("1.1 million points:", err)
	}
	stacks := bytes.Repeat([]byte{0x3a, 0}, 3_000_000)
	stacks = append(protowire.AppendVarint([]byte{0x12}, uint64(len(stacks))), stacks...)
	samples := bytes.Repeat([]byte{0x12, 0}, 3_000_000)
	for range 3 {
		samples = append(protowire.AppendVarint([]byte{0x12}, uint64(len(samples))), samples...)
	}
	samples[0] = 0x0a
	for name, body := range map[string][]byte{"stacks": stacks, "samples": samples} {
		if _, err := shaped(Request{Signal: telemetry.Profiles, Body: body}); !errors.Is(err, ErrMany) {
			t.Errorf("three million %s: %v", name, err)
		}
	}
}
