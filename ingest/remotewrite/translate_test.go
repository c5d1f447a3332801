package remotewrite_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/midwatch/midwatch/ingest/remotewrite"
)

const at = 1_700_000_000_000 // ms

// a is one series of a test, which both versions write.
type a struct {
	labels     []string // name, value, …
	kind       int
	help, unit string
	values     []float64
	start      int64
	histograms []writev2.Histogram
	exemplars  []exemplar
}

type exemplar struct {
	labels []string
	value  float64
}

// v1 writes series as version 1.0; metadata comes in the same request.
func v1(t testing.TB, all ...a) []byte {
	t.Helper()
	var req prompb.WriteRequest
	for _, s := range all {
		out := prompb.TimeSeries{Labels: labelsV1(s.labels)}
		for i, v := range s.values {
			out.Samples = append(out.Samples, prompb.Sample{Value: v, Timestamp: at + int64(i)})
		}
		for _, h := range s.histograms {
			b, err := h.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			var old prompb.Histogram // the versions' histograms are the same on the wire, but for the start time
			if err := old.Unmarshal(b); err != nil {
				t.Fatal(err)
			}
			out.Histograms = append(out.Histograms, old)
		}
		for _, e := range s.exemplars {
			out.Exemplars = append(out.Exemplars, prompb.Exemplar{Labels: labelsV1(e.labels), Value: e.value, Timestamp: at})
		}
		req.Timeseries = append(req.Timeseries, out)
		if s.kind != 0 {
			req.Metadata = append(req.Metadata, prompb.MetricMetadata{Type: prompb.MetricMetadata_MetricType(s.kind), MetricFamilyName: family(s.labels), Help: s.help, Unit: s.unit})
		}
	}
	b, err := req.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func family(labels []string) string {
	i := slices.Index(labels, "__name__")
	name := labels[i+1]
	for _, suffix := range []string{"_bucket", "_count", "_sum"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return name
}

func labelsV1(list []string) (out []prompb.Label) {
	for i := 0; i < len(list); i += 2 {
		out = append(out, prompb.Label{Name: list[i], Value: list[i+1]})
	}
	return out
}

// v2 writes series as version 2.0.
func v2(t testing.TB, all ...a) []byte {
	t.Helper()
	table := writev2.NewSymbolTable()
	refs := func(list []string) (out []uint32) {
		for _, s := range list {
			out = append(out, table.Symbolize(s))
		}
		return out
	}
	var req writev2.Request
	for _, s := range all {
		out := writev2.TimeSeries{LabelsRefs: refs(s.labels), Histograms: s.histograms}
		out.Metadata = writev2.Metadata{Type: writev2.Metadata_MetricType(s.kind), HelpRef: table.Symbolize(s.help), UnitRef: table.Symbolize(s.unit)}
		for i, v := range s.values {
			out.Samples = append(out.Samples, writev2.Sample{Value: v, Timestamp: at + int64(i), StartTimestamp: s.start})
		}
		for _, e := range s.exemplars {
			out.Exemplars = append(out.Exemplars, writev2.Exemplar{LabelsRefs: refs(e.labels), Value: e.value, Timestamp: at})
		}
		req.Timeseries = append(req.Timeseries, out)
	}
	req.Symbols = table.Symbols()
	b, err := req.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// both translates series by both versions, which must come to the same.
func both(t *testing.T, all ...a) *remotewrite.Metrics {
	t.Helper()
	two, err := remotewrite.Translate(remotewrite.V2, v2(t, all...))
	if err != nil {
		t.Fatal(err)
	}
	one, err := remotewrite.Translate(remotewrite.V1, v1(t, all...))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tell(two), tell(one)); diff != "" {
		t.Errorf("the versions differ (-2.0 +1.0):\n%s", diff)
	}
	return two
}

// tell writes what was made of a request, a line for each point.
func tell(m *remotewrite.Metrics) (lines []string) {
	for _, md := range []pmetric.Metrics{m.Samples, m.Histograms} {
		for _, rm := range md.ResourceMetrics().All() {
			for _, sm := range rm.ScopeMetrics().All() {
				for _, m := range sm.Metrics().All() {
					head := fmt.Sprint(rm.Resource().Attributes().AsRaw(), " ", sm.Scope().Name(), " ", m.Name(), " ", m.Unit(), " ", m.Description(), " ", m.Type())
					lines = append(lines, points(head, m)...)
				}
			}
		}
	}
	lines = append(lines, fmt.Sprint(m.Exemplars, " exemplars, rejected ", m.Rejected))
	return lines
}

func points(head string, m pmetric.Metric) (lines []string) {
	numbers := func(s pmetric.NumberDataPointSlice) {
		for _, p := range s.All() {
			lines = append(lines, fmt.Sprint(head, " ", p.Attributes().AsRaw(), " ", p.DoubleValue(), " none=", p.Flags().NoRecordedValue(), exemplars(p.Exemplars())))
		}
	}
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		numbers(m.Gauge().DataPoints())
	case pmetric.MetricTypeSum:
		head += fmt.Sprint(" ", m.Sum().AggregationTemporality(), " ", m.Sum().IsMonotonic())
		numbers(m.Sum().DataPoints())
	case pmetric.MetricTypeExponentialHistogram:
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			lines = append(lines, fmt.Sprint(head, " ", p.Attributes().AsRaw(), " count=", p.Count(), " sum=", p.Sum(), " scale=", p.Scale(), " zero=", p.ZeroCount(), "<=", p.ZeroThreshold(),
				" +", p.Positive().Offset(), p.Positive().BucketCounts().AsRaw(), " -", p.Negative().Offset(), p.Negative().BucketCounts().AsRaw(),
				" none=", p.Flags().NoRecordedValue(), exemplars(p.Exemplars())))
		}
	case pmetric.MetricTypeHistogram:
		for _, p := range m.Histogram().DataPoints().All() {
			lines = append(lines, fmt.Sprint(head, " ", p.Attributes().AsRaw(), " count=", p.Count(), " sum=", p.Sum(), " ", p.ExplicitBounds().AsRaw(), p.BucketCounts().AsRaw(),
				" none=", p.Flags().NoRecordedValue(), exemplars(p.Exemplars())))
		}
	}
	return lines
}

func exemplars(list pmetric.ExemplarSlice) (out string) {
	for _, e := range list.All() {
		out += fmt.Sprint(" e=", e.DoubleValue(), e.FilteredAttributes().AsRaw(), " ", e.TraceID(), "/", e.SpanID())
	}
	return out
}

func TestTranslate(t *testing.T) {
	count := &writev2.Histogram_CountInt{CountInt: 10}
	native := writev2.Histogram{
		Count: count, Sum: 12.5, Schema: 1, ZeroThreshold: 0.001, ZeroCount: &writev2.Histogram_ZeroCountInt{ZeroCountInt: 1},
		PositiveSpans: []writev2.BucketSpan{{Offset: -1, Length: 2}, {Offset: 1, Length: 1}}, PositiveDeltas: []int64{2, 1, -1}, // 2, 3, -, 2
		NegativeSpans: []writev2.BucketSpan{{Offset: 3, Length: 1}}, NegativeDeltas: []int64{2}, Timestamp: at,
	}
	stale := native
	stale.Sum = math.Float64frombits(value.StaleNaN)
	custom := writev2.Histogram{
		Count: count, Sum: 7, Schema: -53, CustomValues: []float64{1, 2, 5}, PositiveSpans: []writev2.BucketSpan{{Offset: 1, Length: 3}}, PositiveDeltas: []int64{3, 1, -1}, Timestamp: at,
	}
	floats := writev2.Histogram{Count: &writev2.Histogram_CountFloat{CountFloat: 1.5}, PositiveSpans: []writev2.BucketSpan{{Length: 1}}, PositiveCounts: []float64{1.5}, Timestamp: at}
	gauge := native
	gauge.ResetHint = writev2.Histogram_RESET_HINT_GAUGE
	huge := native
	huge.PositiveSpans = []writev2.BucketSpan{{Offset: 0, Length: 2}, {Offset: math.MaxInt32, Length: 1}}
	short := native
	short.PositiveDeltas = []int64{2}
	falling := native
	falling.PositiveDeltas = []int64{2, -3, 1}
	schema := native
	schema.Schema = 9

	where := []string{"job", "api", "instance", "10.0.0.1:80"}
	called := func(name string, more ...string) []string {
		return append(append([]string{"__name__", name}, more...), where...)
	}
	res := "map[service.instance.id:10.0.0.1:80 service.name:api]  "
	const nothing = "0 exemplars, rejected map[]"
	trace := []string{"trace_id", "0102030405060708090a0b0c0d0e0f10", "span_id", "0102030405060708", "user", "7"}

	for name, c := range map[string]struct {
		in   []a
		want []string
	}{
		"gauge": {
			[]a{{labels: called("temperature", "room", "3"), kind: 2, help: "how warm", unit: "C", values: []float64{20.5}}},
			[]string{res + "temperature C how warm Gauge map[room:3] 20.5 none=false", nothing},
		},
		"unknown is a gauge": {[]a{{labels: called("up"), values: []float64{1}}}, []string{res + "up   Gauge map[] 1 none=false", nothing}},
		"counter by suffix": {
			[]a{{labels: called("requests_total"), values: []float64{1, 2}}},
			[]string{res + "requests_total   Sum Cumulative true map[] 1 none=false", res + "requests_total   Sum Cumulative true map[] 2 none=false", nothing},
		},
		"counter by metadata":     {[]a{{labels: called("requests"), kind: 1, values: []float64{1}}}, []string{res + "requests   Sum Cumulative true map[] 1 none=false", nothing}},
		"gauge called total":      {[]a{{labels: called("seats_total"), kind: 2, values: []float64{1}}}, []string{res + "seats_total   Gauge map[] 1 none=false", nothing}},
		"info":                    {[]a{{labels: called("build_info", "v", "1"), kind: 6, values: []float64{1}}}, []string{res + "build_info   Sum Cumulative false map[v:1] 1 none=false", nothing}},
		"target_info is a series": {[]a{{labels: called("target_info", "k8s_pod_name", "p"), values: []float64{1}}}, []string{res + "target_info   Gauge map[k8s_pod_name:p] 1 none=false", nothing}},
		"staleness":               {[]a{{labels: called("up"), values: []float64{math.Float64frombits(value.StaleNaN)}}}, []string{res + "up   Gauge map[] 0 none=true", nothing}},
		"another NaN is a value":  {[]a{{labels: called("up"), values: []float64{math.NaN(), math.Inf(1)}}}, []string{res + "up   Gauge map[] NaN none=false", res + "up   Gauge map[] +Inf none=false", nothing}},
		"classic histogram, series": {
			[]a{{labels: called("d_bucket", "le", "1"), kind: 3, values: []float64{4}}, {labels: called("d_sum"), kind: 3, values: []float64{5}}},
			[]string{res + "d_bucket   Sum Cumulative true map[le:1] 4 none=false", res + "d_sum   Sum Cumulative true map[] 5 none=false", nothing},
		},
		"summary": {
			[]a{{labels: called("d", "quantile", "0.5"), kind: 5, values: []float64{4}}, {labels: called("d_count"), kind: 5, values: []float64{5}}},
			[]string{res + "d   Gauge map[quantile:0.5] 4 none=false", res + "d_count   Sum Cumulative true map[] 5 none=false", nothing},
		},
		"scope": {[]a{{labels: []string{"__name__", "x", "otel_scope_name", "lib", "otel_scope_version", "1"}, values: []float64{1}}}, []string{"map[] lib x   Gauge map[] 1 none=false", nothing}},
		"any order, empty labels": {
			[]a{{labels: []string{"z", "1", "instance", "10.0.0.1:80", "empty", "", "__name__", "x", "job", "api", "a", "2"}, values: []float64{1}}},
			[]string{res + "x   Gauge map[a:2 z:1] 1 none=false", nothing},
		},
		"native histogram": {
			[]a{{labels: called("d"), kind: 3, histograms: []writev2.Histogram{native}, exemplars: []exemplar{{trace, 0.7}}}},
			[]string{
				res + "d   ExponentialHistogram map[] count=10 sum=12.5 scale=1 zero=1<=0.001 +-2 [2 3 0 2] -2 [2] none=false e=0.7 map[user:7] 0102030405060708090a0b0c0d0e0f10/0102030405060708",
				"1 exemplars, rejected map[]",
			},
		},
		"stale native":   {[]a{{labels: called("d"), histograms: []writev2.Histogram{stale}}}, []string{res + "d   ExponentialHistogram map[] count=0 sum=0 scale=0 zero=0<=0 +0 [] -0 [] none=true", nothing}},
		"custom buckets": {[]a{{labels: called("d"), histograms: []writev2.Histogram{custom}}}, []string{res + "d   Histogram map[] count=10 sum=7 [1 2 5] [0 3 4 3] none=false", nothing}},
		"exemplars of a bad native": {
			[]a{{labels: called("d"), histograms: []writev2.Histogram{floats}, exemplars: []exemplar{{nil, 1}}}},
			[]string{"0 exemplars, rejected map[bad_exemplar:1 float_counts:1]"},
		},
		"bad natives": {
			[]a{{labels: called("d"), histograms: []writev2.Histogram{floats, gauge, huge, short, falling, schema}}},
			[]string{"0 exemplars, rejected map[bad_histogram:4 float_counts:2]"},
		},
		"exemplars alone": {
			[]a{{labels: called("d_bucket", "le", "1"), kind: 3, exemplars: []exemplar{{[]string{"trace_id", "short"}, 3}}}},
			[]string{res + "d_bucket   Sum Cumulative true map[le:1] 0 none=true e=3 map[trace_id:short] /", "1 exemplars, rejected map[]"},
		},
		"bad series, good series": {[]a{
			{labels: []string{"job", "api"}, values: []float64{1, 2}, exemplars: []exemplar{{nil, 1}}},
			{labels: []string{"__name__", ""}, values: []float64{1}},
			{labels: called("x", "", "y"), values: []float64{1}},
			{labels: called("x", "twice", "1", "twice", "2"), values: []float64{1}},
			{labels: called("x", "bad", "\xff"), values: []float64{1}},
			{labels: called("x", many(130)...), values: []float64{1}},
			{labels: called("good"), values: []float64{1}},
		}, []string{res + "good   Gauge map[] 1 none=false", "0 exemplars, rejected map[bad_exemplar:1 bad_labels:6 labels_many:1]"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, tell(both(t, c.in...))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func many(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprint("l", i), "v")
	}
	return out
}

func TestTimes(t *testing.T) {
	out, err := remotewrite.Translate(remotewrite.V2, v2(t, a{labels: []string{"__name__", "x_total"}, values: []float64{1}, start: at - 1000}))
	if err != nil {
		t.Fatal(err)
	}
	p := out.Samples.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().At(0)
	if p.Timestamp() != at*1e6 || p.StartTimestamp() != (at-1000)*1e6 {
		t.Errorf("from %d to %d", p.StartTimestamp(), p.Timestamp())
	}
	for ms, want := range map[int64]uint64{0: 0, -1: 1, math.MinInt64: 1, math.MaxInt64: math.MaxUint64, 7_258_118_400_000: 7_258_118_400_000_000_000} {
		req := prompb.WriteRequest{Timeseries: []prompb.TimeSeries{{Labels: labelsV1([]string{"__name__", "x"}), Samples: []prompb.Sample{{Timestamp: ms}}}}}
		b, err := req.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		out, err := remotewrite.Translate(remotewrite.V1, b)
		if err != nil {
			t.Fatal(err)
		}
		if got := out.Samples.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Gauge().DataPoints().At(0).Timestamp(); uint64(got) != want {
			t.Errorf("%d ms are %d ns, want %d", ms, got, want)
		}
	}
}

func TestReferencesPastTheSymbols(t *testing.T) {
	for name, s := range map[string]writev2.TimeSeries{
		"label":   {LabelsRefs: []uint32{1, 99}},
		"partner": {LabelsRefs: []uint32{1, 2, 1}},
		"help":    {LabelsRefs: []uint32{1, 2}, Metadata: writev2.Metadata{HelpRef: 99}},
		"unit":    {LabelsRefs: []uint32{1, 2}, Metadata: writev2.Metadata{UnitRef: math.MaxUint32}},
	} {
		s.Samples = []writev2.Sample{{Value: 1, Timestamp: at}}
		req := writev2.Request{Symbols: []string{"", "__name__", "x"}, Timeseries: []writev2.TimeSeries{s}}
		b, err := req.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		out, err := remotewrite.Translate(remotewrite.V2, b)
		if err != nil || out.Rejected[remotewrite.BadReference] != 1 || out.Samples.DataPointCount() != 0 {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
	}
}

func TestExemplarsOfWrongReferencesAreCounted(t *testing.T) {
	req := writev2.Request{Symbols: []string{"", "__name__", "x"}, Timeseries: []writev2.TimeSeries{
		{LabelsRefs: []uint32{1, 2}, Samples: []writev2.Sample{{Value: 1, Timestamp: at}}, Exemplars: []writev2.Exemplar{{LabelsRefs: []uint32{1, 99}}, {}}},
		{LabelsRefs: []uint32{1, 99}, Exemplars: []writev2.Exemplar{{}, {}}},
	}}
	b, err := req.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	out, err := remotewrite.Translate(remotewrite.V2, b)
	if err != nil || out.Rejected[remotewrite.BadExemplar] != 3 || out.Exemplars != 1 {
		t.Errorf("%+v, %v; want three exemplars rejected and one kept", out, err)
	}
}

func TestMalformed(t *testing.T) {
	good := v1(t, a{labels: []string{"__name__", "x"}, values: []float64{1}})
	for name, c := range map[string]struct {
		v    remotewrite.Version
		body []byte
	}{
		"truncated":            {remotewrite.V1, good[:len(good)-3]},
		"no message":           {remotewrite.V2, []byte("\x2a\xff\xff")},
		"first symbol":         {remotewrite.V2, []byte("\x22\x01x")},
		"bomb of empty series": {remotewrite.V1, []byte(strings.Repeat("\x0a\x00", 4<<20))},
		"the same in 2.0":      {remotewrite.V2, []byte(strings.Repeat("\x2a\x00", 4<<20))},
	} {
		if out, err := remotewrite.Translate(c.v, c.body); !errors.Is(err, remotewrite.ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
	}
}

// TestRepeatedLabelsAreBounded: a few labels and many samples make many points, each with all labels.
func TestRepeatedLabelsAreBounded(t *testing.T) {
	wide := a{labels: append([]string{"__name__", "x"}, many(100)...), values: make([]float64, 100_000)}
	out, err := remotewrite.Translate(remotewrite.V2, v2(t, wide, a{labels: []string{"__name__", "y"}, values: []float64{1}}))
	if err != nil {
		t.Fatal(err)
	}
	if out.Rejected[remotewrite.TooLarge] == 0 || out.Samples.DataPointCount() > 1 {
		t.Errorf("%d points, rejected %v", out.Samples.DataPointCount(), out.Rejected)
	}
}
