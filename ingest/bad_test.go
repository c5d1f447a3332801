package ingest_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// sent is what became of a request in which one record is bad and one is good.
type sent struct {
	rejected int64
	why      string
}

// each sends a request of each signal: a good record, and one with what bad does to it.
func (in *ingester) each(t *testing.T, bad func(attributes pcommon.Map, at func(time.Time))) map[telemetry.Signal]sent {
	t.Helper()
	out := map[telemetry.Signal]sent{}

	td := spans("spans", 2)
	s := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(1)
	bad(s.Attributes(), func(when time.Time) {
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(when))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(when))
	})
	traces, err := ptraceotlp.NewGRPCClient(in.conn).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(td))
	if err != nil {
		t.Fatal(err)
	}
	out[telemetry.Traces] = sent{traces.PartialSuccess().RejectedSpans(), traces.PartialSuccess().ErrorMessage()}

	ld := logs("logs", 2)
	l := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(1)
	bad(l.Attributes(), func(when time.Time) { l.SetTimestamp(pcommon.NewTimestampFromTime(when)) })
	lines, err := plogotlp.NewGRPCClient(in.conn).Export(t.Context(), plogotlp.NewExportRequestFromLogs(ld))
	if err != nil {
		t.Fatal(err)
	}
	out[telemetry.Logs] = sent{lines.PartialSuccess().RejectedLogRecords(), lines.PartialSuccess().ErrorMessage()}

	md := gauges("metrics", 1, 2)
	p := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Gauge().DataPoints().At(1)
	bad(p.Attributes(), func(when time.Time) { p.SetTimestamp(pcommon.NewTimestampFromTime(when)) })
	points, err := pmetricotlp.NewGRPCClient(in.conn).Export(t.Context(), pmetricotlp.NewExportRequestFromMetrics(md))
	if err != nil {
		t.Fatal(err)
	}
	out[telemetry.Metrics] = sent{points.PartialSuccess().RejectedDataPoints(), points.PartialSuccess().ErrorMessage()}
	return out
}

// gauges makes a gauge of a service, a point for each value.
func gauges(service string, values ...float64) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	describe(rm.Resource(), service)
	m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("gauge")
	points := m.SetEmptyGauge().DataPoints()
	for i, v := range values {
		p := points.AppendEmpty()
		p.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		p.SetDoubleValue(v)
		p.Attributes().PutInt("i", int64(i))
	}
	return md
}

func (in *ingester) wantCounted(t *testing.T, why otlp.Reason, want int64) {
	t.Helper()
	for _, s := range []telemetry.Signal{telemetry.Traces, telemetry.Logs, telemetry.Metrics} {
		if n := in.srv.Counted(s, why); n != want {
			t.Errorf("%s: %d counted as %s, want %d", s, n, why, want)
		}
	}
}

func (in *ingester) wantRows(t *testing.T, each int) {
	t.Helper()
	in.want(t, `SELECT toString(((SELECT count() FROM spans), (SELECT count() FROM logs),
		(SELECT count() FROM metric_samples INNER JOIN (SELECT DISTINCT series_id FROM metric_series WHERE service = 'metrics') AS s USING (series_id))))`,
		fmt.Sprintf("(%d,%d,%d)", each, each, each))
}

func TestTimesOutOfRange(t *testing.T) {
	in := start(t, nil)
	for when, why := range map[time.Time]otlp.Reason{time.Unix(1000, 0): "time_past", time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC): "time_future"} {
		for signal, got := range in.each(t, func(_ pcommon.Map, at func(time.Time)) { at(when) }) {
			if got.rejected != 1 || got.why == "" {
				t.Errorf("%s of %s: %+v", signal, when, got)
			}
		}
		in.wantCounted(t, why, 1)
	}
	in.wantRows(t, 2)
}

func TestTenThousandAttributes(t *testing.T) {
	in := start(t, nil)
	for signal, got := range in.each(t, func(m pcommon.Map, _ func(time.Time)) {
		for i := range 10_000 {
			m.PutInt(fmt.Sprint("k", i), int64(i))
		}
	}) {
		if got.rejected != 0 {
			t.Errorf("%s: %+v, want the record kept with fewer attributes", signal, got)
		}
	}
	for _, s := range []telemetry.Signal{telemetry.Traces, telemetry.Logs, telemetry.Metrics} {
		if n := in.srv.Counted(s, "attributes_too_many"); n < 10_000-1024 {
			t.Errorf("%s: %d counted", s, n)
		}
	}
	in.wantRows(t, 2)
	for _, table := range []string{"spans", "logs", "metric_series"} {
		in.want(t, `SELECT toString(max(length(attributes))) FROM `+table, "1024")
	}
}

func TestBadTextInAttributes(t *testing.T) {
	in := start(t, nil)
	for signal, got := range in.each(t, func(m pcommon.Map, _ func(time.Time)) {
		m.PutStr("bad", "a\xffb")
		m.PutStr("k\xff", "v")
		m.PutStr("", "no name")
	}) {
		if got.rejected != 0 {
			t.Errorf("%s: %+v", signal, got)
		}
	}
	in.wantCounted(t, "not_utf8", 2)
	in.wantCounted(t, "attribute_unnamed", 1)
	in.wantRows(t, 2)
	for _, table := range []string{"spans", "logs", "metric_series"} {
		in.want(t, `SELECT toString((countIf(attributes['bad'] = 'a�b'), countIf(attributes['k�'] = 'v'))) FROM `+table, "(1,1)")
	}
}

func TestAttributeTwice(t *testing.T) {
	in := start(t, nil)
	conf := in.identity(t, pki.CLI).Client(pki.Ingester)
	now := fmt.Sprint(time.Now().UnixNano())
	twice := `"attributes":[{"key":"k","value":{"stringValue":"first"}},{"key":"k","value":{"stringValue":"second"}}]`
	for path, body := range map[string]string{
		"/v1/logs":    `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"` + now + `",` + twice + `}]}]}]}`,
		"/v1/traces":  `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"01020304050607080102030405060708","spanId":"0102030405060708","startTimeUnixNano":"` + now + `","endTimeUnixNano":"` + now + `",` + twice + `}]}]}]}`,
		"/v1/metrics": `{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"metrics"}}]},"scopeMetrics":[{"metrics":[{"name":"g","gauge":{"dataPoints":[{"timeUnixNano":"` + now + `","asDouble":1,` + twice + `}]}}]}]}]}`,
	} {
		if resp, answer := in.post(t, conf, path, "application/json", "", []byte(body)); resp == nil || resp.StatusCode != http.StatusOK || answer != "{}" {
			t.Errorf("%s: %v %s", path, resp, answer)
		}
	}
	in.wantCounted(t, "attribute_twice", 1)
	in.wantRows(t, 1)
	for _, table := range []string{"spans", "logs", "metric_series"} {
		in.want(t, `SELECT toString(groupArray(attributes)) FROM `+table+` WHERE length(attributes) > 0`, `[{'k':'first'}]`)
	}
}

func TestValuesThatAreNoNumbers(t *testing.T) {
	in := start(t, nil)
	md := gauges("metrics", math.NaN(), math.Inf(1), math.Inf(-1), 1)
	ms := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
	h := ms.AppendEmpty()
	h.SetName("h")
	h.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	for _, bounds := range [][]float64{{1, 2}, {math.NaN(), 2}, {1, math.Inf(1)}, {2, 1}} {
		p := h.Histogram().DataPoints().AppendEmpty()
		p.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		p.SetSum(math.NaN())
		p.SetCount(3)
		p.ExplicitBounds().FromRaw(bounds)
		p.BucketCounts().FromRaw([]uint64{1, 1, 1})
	}
	resp, err := pmetricotlp.NewGRPCClient(in.conn).Export(t.Context(), pmetricotlp.NewExportRequestFromMetrics(md))
	if err != nil || resp.PartialSuccess().RejectedDataPoints() != 3 || !strings.Contains(resp.PartialSuccess().ErrorMessage(), "3 histograms whose bounds") {
		t.Errorf("%v, %v", resp.PartialSuccess(), err)
	}
	in.want(t, `SELECT toString(groupArray(value)) FROM (SELECT value FROM metric_samples ORDER BY isNaN(value), value)`, "[-inf,1,inf,nan]")
	in.want(t, `SELECT toString(groupArray((count, sum))) FROM histograms`, "[(3,nan)]")
}

func TestEmptyNames(t *testing.T) {
	in := start(t, nil)
	td := ptrace.NewTraces()
	sp := td.ResourceSpans().AppendEmpty()
	sp.Resource().Attributes().PutStr("service.name", "")
	spans("", 1).ResourceSpans().At(0).ScopeSpans().At(0).CopyTo(sp.ScopeSpans().AppendEmpty())
	sp.ScopeSpans().At(0).Spans().At(0).SetName("")
	if resp, err := ptraceotlp.NewGRPCClient(in.conn).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(td)); err != nil || resp.PartialSuccess().RejectedSpans() != 0 {
		t.Errorf("%v, %v", resp.PartialSuccess(), err)
	}
	md := gauges("metrics", 1, 2)
	md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).SetName("")
	resp, err := pmetricotlp.NewGRPCClient(in.conn).Export(t.Context(), pmetricotlp.NewExportRequestFromMetrics(md))
	if err != nil || resp.PartialSuccess().RejectedDataPoints() != 2 || !strings.Contains(resp.PartialSuccess().ErrorMessage(), "without a name") {
		t.Errorf("%v, %v", resp.PartialSuccess(), err)
	}
	ld := plog.NewLogs()
	ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	if resp, err := plogotlp.NewGRPCClient(in.conn).Export(t.Context(), plogotlp.NewExportRequestFromLogs(ld)); err != nil || resp.PartialSuccess().RejectedLogRecords() != 0 {
		t.Errorf("%v, %v", resp.PartialSuccess(), err)
	}
	in.want(t, `SELECT toString(((SELECT groupArray((service, name)) FROM spans), (SELECT groupArray((service, body)) FROM logs)))`, `([('unknown_service','')],[('unknown_service','')])`)
}

// TestLargeMessages: what is larger than may be gets an answer that is final, over gRPC too, and does not end the connection.
func TestLargeMessages(t *testing.T) {
	in := start(t, nil)
	for _, compressor := range []string{"identity", "gzip", "zstd"} {
		var answer []byte
		err := in.conn.Invoke(t.Context(), "/opentelemetry.proto.collector.logs.v1.LogsService/Export", make([]byte, 64<<20), &answer, grpc.ForceCodec(plain{}), grpc.UseCompressor(compressor))
		if st := status.Convert(err); st.Code() != codes.ResourceExhausted || len(st.Details()) != 0 || !strings.Contains(st.Message(), "larger than max") {
			t.Errorf("%s: %v", compressor, err)
		}
	}
	for deadline := time.Now().Add(time.Minute); in.srv.Counted(telemetry.Logs, "request_body_too_large") != 3; time.Sleep(time.Millisecond) { // gRPC answers before we know
		if time.Now().After(deadline) {
			t.Fatalf("%d counted, want 3", in.srv.Counted(telemetry.Logs, "request_body_too_large"))
		}
	}
	if _, err := plogotlp.NewGRPCClient(in.conn).Export(t.Context(), plogotlp.NewExportRequestFromLogs(logs("x", 1))); err != nil {
		t.Error("afterwards:", err)
	}
}

// TestMutatedRequests: whatever is done to its bytes, a request has an answer, and the ingester goes on.
func TestMutatedRequests(t *testing.T) {
	in := start(t, nil)
	random := rand.New(rand.NewPCG(1, 2))
	traces, one := ptraceotlp.NewExportRequestFromTraces(spans("x", 3)).MarshalProto()
	lines, two := plogotlp.NewExportRequestFromLogs(logs("x", 3)).MarshalProto()
	points, three := pmetricotlp.NewExportRequestFromMetrics(gauges("x", 1, 2)).MarshalProto()
	for _, err := range []error{one, two, three} {
		if err != nil {
			t.Fatal(err)
		}
	}
	answers := map[codes.Code]int{}
	for method, good := range map[string][]byte{"trace.v1.TraceService": traces, "logs.v1.LogsService": lines, "metrics.v1.MetricsService": points} {
		for i := range 60 {
			body := append([]byte(nil), good...)
			if i%3 == 0 {
				body = body[:random.IntN(len(body))]
			}
			for range i % 4 {
				if len(body) > 0 {
					body[random.IntN(len(body))] ^= byte(1 << random.IntN(8))
				}
			}
			var answer []byte
			err := in.conn.Invoke(t.Context(), "/opentelemetry.proto.collector."+method+"/Export", body, &answer, grpc.ForceCodec(plain{}))
			answers[status.Code(err)]++
		}
	}
	if answers[codes.OK] == 0 || answers[codes.InvalidArgument] == 0 || answers[codes.OK]+answers[codes.InvalidArgument] != 180 {
		t.Error(answers)
	}
	counted := int64(0)
	for _, s := range []telemetry.Signal{telemetry.Traces, telemetry.Logs, telemetry.Metrics} {
		counted += in.srv.Counted(s, "request_malformed") + in.srv.Counted(s, "request_too_deep")
	}
	if counted != int64(answers[codes.InvalidArgument]) {
		t.Errorf("%d counted, %d refused", counted, answers[codes.InvalidArgument])
	}
}
