package otlp

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/midwatch/midwatch/ingest/block"
	"github.com/midwatch/midwatch/internal/telemetry"

	"github.com/ClickHouse/ch-go/proto"
)

// BenchmarkDecode is what a row costs from the bytes of a request to those of a block, 1,000 rows at a time.
func BenchmarkDecode(b *testing.B) {
	for _, s := range []telemetry.Signal{telemetry.Logs, telemetry.Traces} {
		body := thousand(b, s)
		b.Run(string(s), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			var out proto.Buffer
			began := cpu(b)
			for b.Loop() {
				r := New(Config{ID: "id", Environment: "e", Now: time.Now()})
				if err := r.Decode(Request{Signal: s, Body: body}); err != nil {
					b.Fatal(err)
				}
				for _, c := range r.Chunks() {
					out.Reset()
					for _, col := range block.Join([]block.Block{c.Block}) {
						col.Data.EncodeColumn(&out)
					}
				}
			}
			b.ReportMetric(float64((cpu(b)-began).Nanoseconds())/float64(b.N)/1000, "cpu-ns/row")
		})
	}
}

// cpu is what the process has used, the garbage collector included, whatever else the machine does.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// thousand is a request of 1,000 rows, 50 to a resource, with 12 resource and 10 own attributes.
func thousand(b *testing.B, s telemetry.Signal) []byte {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	now := pcommon.NewTimestampFromTime(time.Now())
	ld, td := plog.NewLogs(), ptrace.NewTraces()
	for range 20 {
		rl, rs := ld.ResourceLogs().AppendEmpty(), td.ResourceSpans().AppendEmpty()
		describe(r, rl.Resource().Attributes())
		describe(r, rs.Resource().Attributes())
		sl, ss := rl.ScopeLogs().AppendEmpty(), rs.ScopeSpans().AppendEmpty()
		for range 50 {
			l := sl.LogRecords().AppendEmpty()
			l.SetTimestamp(now)
			l.SetSeverityText("INFO")
			l.Body().SetStr(fmt.Sprintf("GET /api/v1/items/%d 200 %0250d", r.IntN(1e6), r.Uint64()))
			fill(r, l.Attributes())
			sp := ss.Spans().AppendEmpty()
			sp.SetTraceID(pcommon.TraceID{1, byte(r.Uint32())})
			sp.SetSpanID(pcommon.SpanID{1, byte(r.Uint32())})
			sp.SetStartTimestamp(now)
			sp.SetEndTimestamp(now)
			sp.SetName("GET /api/v1/items/{id}")
			fill(r, sp.Attributes())
		}
	}
	var body []byte
	var err error
	if s == telemetry.Logs {
		body, err = plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
	} else {
		body, err = ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
	}
	if err != nil {
		b.Fatal(err)
	}
	return body
}

func describe(r *rand.Rand, m pcommon.Map) {
	m.PutStr("service.name", fmt.Sprint("service-", r.IntN(20)))
	for i := range 11 {
		m.PutStr(fmt.Sprint("k8s.some.attribute", i), fmt.Sprintf("%x", r.Uint64()))
	}
}

func fill(r *rand.Rand, m pcommon.Map) {
	m.PutStr("http.request.method", "GET")
	m.PutStr("http.route", "/api/v1/items/{id}")
	m.PutInt("http.response.status_code", 200)
	m.PutDouble("duration_ms", float64(r.IntN(100_000))/1000)
	for i := range 4 + r.IntN(5) {
		m.PutStr(fmt.Sprint("app.attr", i), fmt.Sprint("word", r.IntN(50)))
	}
}
