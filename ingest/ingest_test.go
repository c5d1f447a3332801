package ingest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
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
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/midwatch/midwatch/ingest"
	"github.com/midwatch/midwatch/ingest/receive"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

// ingester is a running server, its store and a client.
type ingester struct {
	db    *store.DB
	srv   *ingest.Server
	certs string
	addrs ingest.Addrs
	conn  *grpc.ClientConn
}

func start(t *testing.T, change func(*ingest.Config)) *ingester {
	t.Helper()
	in := &ingester{db: storetest.Open(t), certs: t.TempDir()}
	in.serve(t, change)
	return in
}

// serve starts the server, with another configuration than the usual if change says so.
func (in *ingester) serve(t *testing.T, change func(*ingest.Config)) {
	t.Helper()
	if err := pki.Ensure(in.certs); err != nil {
		t.Fatal(err)
	}
	cfg := ingest.Config{
		GRPCListen: "127.0.0.1:0", HTTPListen: "127.0.0.1:0", Store: in.db, Environment: "test",
		TLS: in.identity(t, pki.Ingester).Server(pki.Exporter, pki.CLI),
	}
	if change != nil {
		change(&cfg)
	}
	srv, err := ingest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	in.srv = srv
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	if in.addrs, err = srv.Addrs(t.Context()); err != nil {
		t.Fatal(err)
	}
	in.conn = in.dial(t, in.identity(t, pki.CLI).Client(pki.Ingester))
}

func (in *ingester) identity(t *testing.T, part string) *pki.Identity {
	t.Helper()
	id, err := pki.Load(in.certs, part)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (in *ingester) dial(t *testing.T, conf *tls.Config) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(in.addrs.GRPC, grpc.WithTransportCredentials(credentials.NewTLS(conf)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// post sends an OTLP/HTTP request and returns status and body.
func (in *ingester) post(t *testing.T, conf *tls.Config, path, kind, encoding string, body []byte) (*http.Response, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+in.addrs.HTTP+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Content-Encoding", encoding)
	resp, err := client.Do(req)
	if err != nil {
		return nil, err.Error()
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(answer)
}

// want asks the store for one text and compares.
func (in *ingester) want(t *testing.T, query, want string) {
	t.Helper()
	var got string
	if err := in.db.QueryRow(t.Context(), query).Scan(&got); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	if got != want {
		t.Errorf("%s\n got %s\nwant %s", query, got, want)
	}
}

func TestTracesOverGRPC(t *testing.T) {
	in := start(t, nil)
	td := spans("catalog", 1)
	s := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
	s.SetKind(ptrace.SpanKindClient)
	s.Status().SetCode(ptrace.StatusCodeError)
	s.Status().SetMessage("it broke")
	s.Attributes().PutStr("peer.service", "postgres")
	s.Attributes().PutStr("error.type", "timeout")
	s.Attributes().PutInt("server.port", 5432)
	resp, err := ptraceotlp.NewGRPCClient(in.conn).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(td), grpc.UseCompressor("gzip"))
	if err != nil || resp.PartialSuccess().RejectedSpans() != 0 {
		t.Fatalf("%v, %v", resp, err)
	}
	in.want(t, `SELECT toString((environment, service, service_version, instance, host, kind, name, peer_service, status, status_message,
		error_type, duration_ns, trace_id, span_id, parent_span_id, attributes['server.port'], resource['service.name'], batch_id != 0)) FROM spans`,
		`('test','catalog','v1','h/1/2','h','client','GET /0','postgres','error','it broke','timeout',1000000,`+
			`'01000000000000000000000000000000','0100000000000000','','5432','catalog',1)`)
	in.want(t, `SELECT toString((service, peer_service, sum(calls), sum(errors))) FROM edge_minutes GROUP BY service, peer_service`, `('catalog','postgres',1,1)`)
}

func TestLogsOverHTTP(t *testing.T) {
	in := start(t, nil)
	conf := in.identity(t, pki.CLI).Client(pki.Ingester)
	nano := fmt.Sprint(time.Now().UnixNano())
	body := `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}},{"key":"midwatch.environment","value":{"stringValue":"prod"}}]},
		"scopeLogs":[{"logRecords":[{"timeUnixNano":"` + nano + `","severityNumber":17,"severityText":"ERROR","body":{"stringValue":"redis says no"},
		"attributes":[{"key":"event.name","value":{"stringValue":"midwatch.deployment"}},{"key":"n","value":{"intValue":"7"}}]}]}]}]}`
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write([]byte(body)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	resp, answer := in.post(t, conf, "/v1/logs", "application/json", "gzip", zipped.Bytes())
	if resp == nil || resp.StatusCode != http.StatusOK || answer != "{}" {
		t.Fatalf("%v %s", resp, answer)
	}
	in.want(t, `SELECT toString((environment, service, severity, severity_text, event_name, body, attributes['n'])) FROM logs`,
		`('prod','cart',17,'ERROR','midwatch.deployment','redis says no','7')`)
	in.want(t, `SELECT toString((event_name, service)) FROM events`, `('midwatch.deployment','cart')`)
}

func TestMetricsOverGRPC(t *testing.T) {
	in := start(t, nil)
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "cart")
	ms := rm.ScopeMetrics().AppendEmpty().Metrics()
	now := pcommon.NewTimestampFromTime(time.Now())

	g := ms.AppendEmpty()
	g.SetName("gauge")
	p := g.SetEmptyGauge().DataPoints().AppendEmpty()
	p.SetTimestamp(now)
	p.SetDoubleValue(1.5)
	p.Attributes().PutBool("on", true)

	sum := ms.AppendEmpty()
	sum.SetName("sum")
	sum.SetEmptySum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	p = sum.Sum().DataPoints().AppendEmpty()
	p.SetTimestamp(now)
	p.SetIntValue(3)

	h := ms.AppendEmpty()
	h.SetName("histogram")
	h.SetUnit("s")
	h.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	hp := h.Histogram().DataPoints().AppendEmpty()
	hp.SetTimestamp(now)
	hp.SetCount(3)
	hp.SetSum(0.6)
	hp.ExplicitBounds().FromRaw([]float64{0.1, 0.5})
	hp.BucketCounts().FromRaw([]uint64{1, 2, 0})

	if _, err := pmetricotlp.NewGRPCClient(in.conn).Export(t.Context(), pmetricotlp.NewExportRequestFromMetrics(md)); err != nil {
		t.Fatal(err)
	}
	in.want(t, `SELECT toString(groupArray((name, kind, value, attributes))) FROM (
			SELECT * FROM metric_samples INNER JOIN (SELECT * FROM metric_series) AS s USING (series_id) ORDER BY name)`,
		`[('gauge','gauge',1.5,{'on':'true'}),('sum','sum_delta',3,{})]`)
	in.want(t, `SELECT toString((name, unit, kind, count, sum, bounds, counts)) FROM histograms INNER JOIN (SELECT * FROM metric_series) AS s USING (series_id)`,
		`('histogram','s','histogram_delta',3,0.6,[0.1,0.5],[1,2,0])`)
}

func TestBadRecordsAreRejectedAndTheRestKept(t *testing.T) {
	in := start(t, nil)
	td := spans("catalog", 5)
	list := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	shift := func(s ptrace.Span, d time.Duration) {
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(s.StartTimestamp().AsTime().Add(d)))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(s.EndTimestamp().AsTime().Add(d)))
	}
	shift(list.At(0), 2*time.Hour)
	shift(list.At(1), -8*24*time.Hour)
	for i := range 20 {
		list.At(2).Attributes().PutStr(fmt.Sprint("k", i), strings.Repeat("x", 60_000))
	}
	list.At(3).Attributes().PutStr("long", strings.Repeat("ä", 40_000))
	resp, err := ptraceotlp.NewGRPCClient(in.conn).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(td))
	if err != nil {
		t.Fatal(err)
	}
	if n := resp.PartialSuccess().RejectedSpans(); n != 3 {
		t.Errorf("%d spans rejected, want 3", n)
	}
	for _, word := range []string{"1 larger than 1 MiB", "1 more than 1 h in the future", "1 more than 7 days old"} {
		if !strings.Contains(resp.PartialSuccess().ErrorMessage(), word) {
			t.Errorf("%q does not say %q", resp.PartialSuccess().ErrorMessage(), word)
		}
	}
	in.want(t, `SELECT toString((count(), max(length(attributes['long'])), max(isValidUTF8(attributes['long'])))) FROM spans`, `(2,65536,1)`)
}

func TestMalformedRequests(t *testing.T) {
	in := start(t, nil)
	conf := in.identity(t, pki.CLI).Client(pki.Ingester)
	deep := []byte(strings.Repeat(`{"a":`, 100_000))
	for name, c := range map[string]struct {
		kind, encoding string
		body           []byte
		want           int
	}{
		"protobuf":    {"application/x-protobuf", "", []byte("\x0a\xff\xff"), 400},
		"JSON":        {"application/json", "", []byte(`{"resourceLogs":7}`), 400},
		"deep JSON":   {"application/json", "", deep, 400},
		"not gzip":    {"application/json", "gzip", []byte("{}"), 400},
		"encoding":    {"application/json", "br", []byte("{}"), 400},
		"kind":        {"text/plain", "", []byte("{}"), 415},
		"too large":   {"application/json", "", make([]byte, 17<<20), 413},
		"gzip bomb":   {"application/json", "gzip", bomb(t), 413},
		"empty is ok": {"application/json", "", []byte("{}"), 200},
	} {
		if resp, answer := in.post(t, conf, "/v1/logs", c.kind, c.encoding, c.body); resp == nil || resp.StatusCode != c.want {
			t.Errorf("%s: %v %s, want %d", name, resp, answer, c.want)
		}
	}
	var answer []byte
	err := in.conn.Invoke(t.Context(), "/opentelemetry.proto.collector.logs.v1.LogsService/Export", []byte("\x0a\xff\xff"), &answer, grpc.ForceCodec(plain{}))
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("gRPC: %v, want InvalidArgument", err)
	}
}

// plain sends bytes as they are.
type plain struct{}

func (plain) Name() string                    { return "proto" }
func (plain) Marshal(v any) ([]byte, error)   { return v.([]byte), nil }
func (plain) Unmarshal(b []byte, v any) error { *v.(*[]byte) = b; return nil }

func bomb(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(make([]byte, 64<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestRefusesClientsWithoutCertificate(t *testing.T) {
	in := start(t, nil)
	trust, err := pki.Trust(in.certs, pki.Ingester)
	if err != nil {
		t.Fatal(err)
	}
	for name, conf := range map[string]*tls.Config{
		"no certificate":  trust,
		"another's":       in.identity(t, pki.Sandbox).Client(pki.Ingester),
		"plain text HTTP": nil,
	} {
		if conf != nil {
			client := ptraceotlp.NewGRPCClient(in.dial(t, conf))
			if _, err := client.Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(spans("x", 1))); err == nil {
				t.Errorf("%s: gRPC accepted", name)
			}
		}
		if resp, _ := in.post(t, conf, "/v1/logs", "application/json", "", []byte("{}")); resp != nil && resp.StatusCode == http.StatusOK {
			t.Errorf("%s: HTTP accepted", name)
		}
	}
	in.want(t, `SELECT toString(count()) FROM spans`, "0")
}

func TestSameRequestIsStoredOnce(t *testing.T) {
	in := start(t, nil)
	ld := logs("cart", 10)
	client := plogotlp.NewGRPCClient(in.conn)
	for _, ctx := range []context.Context{
		metadata.AppendToOutgoingContext(t.Context(), receive.HeaderBatchID, "b1"),
		metadata.AppendToOutgoingContext(t.Context(), receive.HeaderBatchID, "b1"),
		metadata.AppendToOutgoingContext(t.Context(), receive.HeaderBatchID, "b1", receive.HeaderRedelivered, "true"),
		t.Context(), t.Context(), // without an id the content is one: stored a second time, not a third
	} {
		if _, err := client.Export(ctx, plogotlp.NewExportRequestFromLogs(ld)); err != nil {
			t.Fatal(err)
		}
	}
	in.want(t, `SELECT toString((count(), uniqExact(batch_id))) FROM logs`, "(20,2)")
}

// spans makes n healthy server spans of a service that end now.
func spans(service string, n int) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	describe(rs.Resource(), service)
	list := rs.ScopeSpans().AppendEmpty().Spans()
	for i := range n {
		s := list.AppendEmpty()
		s.SetName(fmt.Sprint("GET /", i))
		s.SetKind(ptrace.SpanKindServer)
		s.SetTraceID(pcommon.TraceID{byte(i + 1)})
		s.SetSpanID(pcommon.SpanID{byte(i + 1)})
		end := time.Now()
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(end))
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(end.Add(-time.Millisecond)))
	}
	return td
}

// logs makes n lines of a service.
func logs(service string, n int) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	describe(rl.Resource(), service)
	list := rl.ScopeLogs().AppendEmpty().LogRecords()
	for i := range n {
		l := list.AppendEmpty()
		l.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		l.Body().SetStr(fmt.Sprint("line ", i))
	}
	return ld
}

func describe(r pcommon.Resource, service string) {
	a := r.Attributes()
	a.PutStr("service.name", service)
	a.PutStr("service.version", "v1")
	a.PutStr("service.instance.id", "h/1/2")
	a.PutStr("host.name", "h")
}
