package otlp

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/midwatch/midwatch/ingest/otlp/otlptest"
	"github.com/midwatch/midwatch/internal/telemetry"
)

var moment = time.Date(2026, 3, 2, 3, 4, 5, 6, time.UTC)

// row is the first row of a table as JSON, by column.
func (r *Rows) row(t *testing.T, table string) map[string]any {
	t.Helper()
	for _, c := range r.Chunks() {
		if c.Table != table {
			continue
		}
		var out map[string]any
		if err := json.Unmarshal(c.Block.Text(0), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	t.Fatalf("no row of %s; %+v", table, r.Tally)
	return nil
}

func decodeTraces(t *testing.T, r *Rows, td ptrace.Traces) {
	t.Helper()
	decode(t, r, telemetry.Traces, ptraceotlp.NewExportRequestFromTraces(td).MarshalProto)
}

func decodeLogs(t *testing.T, r *Rows, ld plog.Logs) {
	t.Helper()
	decode(t, r, telemetry.Logs, plogotlp.NewExportRequestFromLogs(ld).MarshalProto)
}

func decode(t *testing.T, r *Rows, signal telemetry.Signal, marshal func() ([]byte, error)) {
	t.Helper()
	b, err := marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Decode(Request{Signal: signal, Body: b}); err != nil {
		t.Fatal(err)
	}
}

// TestEveryValue compares attributes with what OpenTelemetry's own library makes of them.
func TestEveryValue(t *testing.T) {
	ld := plog.NewLogs()
	l := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	a := l.Attributes()
	a.PutStr("string", "a \"quoted\"\n\tü \x00 \u2028 text")
	a.PutStr("empty", "")
	a.PutBool("bool", true)
	a.PutInt("int", -7)
	for i, f := range []float64{0, 1.5, -0.000001, 1e-7, 1e21, 123456789.25} {
		a.PutDouble(fmt.Sprint("double", i), f)
	}
	a.PutEmptyBytes("bytes").FromRaw([]byte{0, 255, 1})
	a.PutEmpty("nothing")
	m := a.PutEmptyMap("map")
	m.PutStr("k", "a \"quoted\"\n\r\tü \x00")
	list := m.PutEmptySlice("list")
	list.AppendEmpty().SetBool(false)
	list.AppendEmpty().SetDouble(0.25)
	list.AppendEmpty().SetEmptyBytes().FromRaw([]byte("x"))
	list.AppendEmpty()
	a.CopyTo(l.Body().SetEmptyMap())

	r := New(Config{Now: moment})
	decodeLogs(t, r, ld)
	row := r.row(t, "logs")
	got, _ := row["attributes"].(map[string]any)
	for key, v := range a.All() {
		want := v.AsString()
		if v.Type() == pcommon.ValueTypeMap { // the same but for the order
			if diff := cmp.Diff(v.Map().AsRaw(), parsed(t, got[key].(string)), cmp.Transformer("json", rejson)); diff != "" {
				t.Errorf("%s: %s", key, diff)
			}
			continue
		}
		if got[key] != want {
			t.Errorf("%s: got %q, want %q", key, got[key], want)
		}
	}
	if diff := cmp.Diff(l.Body().Map().AsRaw(), parsed(t, row["body"].(string)), cmp.Transformer("json", rejson)); diff != "" {
		t.Errorf("body: %s", diff)
	}
}

func parsed(t *testing.T, s string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(s), &out); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return out
}

// rejson makes numbers and byte strings of either origin the same.
func rejson(m map[string]any) string {
	b, err := json.Marshal(m)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func TestSpanWithEventsAndLinks(t *testing.T) {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "cart")
	rs.Resource().Attributes().PutStr("a", `"b`)
	ss := rs.ScopeSpans().AppendEmpty()
	ss.Scope().SetName("lib")
	ss.Scope().SetVersion("1.2")
	s := ss.Spans().AppendEmpty()
	s.SetTraceID(pcommon.TraceID{0xab, 15: 1})
	s.SetSpanID(pcommon.SpanID{1, 7: 2})
	s.SetParentSpanID(pcommon.SpanID{3})
	s.TraceState().FromRaw("k=v")
	s.SetName("GET")
	s.SetKind(ptrace.SpanKindServer)
	s.Status().SetCode(ptrace.StatusCodeError)
	s.Status().SetMessage("no")
	s.SetStartTimestamp(pcommon.NewTimestampFromTime(moment))
	s.SetEndTimestamp(pcommon.NewTimestampFromTime(moment.Add(time.Second)))
	s.Attributes().PutStr("exception.type", "the span's own")
	for i := range 2 {
		e := s.Events().AppendEmpty()
		e.SetName([]string{"note", "exception"}[i])
		e.SetTimestamp(pcommon.NewTimestampFromTime(moment.Add(time.Duration(i))))
		e.Attributes().PutInt("n", int64(i))
		e.Attributes().PutStr("exception.type", "io.EOF")
	}
	l := s.Links().AppendEmpty()
	l.SetTraceID(pcommon.TraceID{9})
	l.SetSpanID(pcommon.SpanID{8})
	l.TraceState().FromRaw("x=y")
	l.Attributes().PutBool("follows", true)

	r := New(Config{Now: moment, Environment: "e", Batch: 5})
	decodeTraces(t, r, td)
	got := r.row(t, "spans")
	want := map[string]any{
		"time": float64(moment.UnixNano()), "environment": "e", "service": "cart", "instance": "", "host": "", "batch_id": 5., "duration_ns": 1e9, "service_version": "",
		"attributes":    map[string]any{"exception.type": "the span's own", "n": "1"},
		"resource_json": `{"service.name":"cart","a":"\"b"}`,
		"kind":          2., "name": "GET", "peer_service": "", "status": 2., "status_message": "no", "error_type": "",
		"trace": "ab000000000000000000000000000001", "span": "0100000000000002", "parent": "0300000000000000", "trace_state": "k=v", "scope": "lib", "scope_version": "1.2",
		"event_times": []any{float64(moment.UnixNano()), float64(moment.UnixNano() + 1)}, "event_names": []any{"note", "exception"},
		"event_attributes": []any{map[string]any{"n": "0", "exception.type": "io.EOF"}, map[string]any{"n": "1", "exception.type": "io.EOF"}},
		"link_traces":      []any{"09000000000000000000000000000000"}, "link_spans": []any{"0800000000000000"}, "link_states": []any{"x=y"},
		"link_attributes": []any{map[string]any{"follows": "true"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestOddRecordsAreKept and say what was changed.
func TestOddRecordsAreKept(t *testing.T) {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "ca\xffrt")
	list := rl.ScopeLogs().AppendEmpty().LogRecords()
	l := list.AppendEmpty()
	l.Body().SetStr("no \xc3\x28 text")
	for i := range maxAttributes + 5 {
		l.Attributes().PutInt(fmt.Sprint("k", i), 1)
	}
	l = list.AppendEmpty()
	l.Attributes().PutStr("", "unnamed")
	l.Attributes().PutStr(strings.Repeat("k", maxKey+1), "long name")
	l.Attributes().PutStr("long", strings.Repeat("ü", maxAttribute))
	l.SetSeverityNumber(99)
	r := New(Config{Now: moment})
	decodeLogs(t, r, ld)
	if err := r.Decode(Request{Signal: telemetry.Logs, Body: twice()}); err != nil {
		t.Fatal(err)
	}
	want := Tally{Stored: 3, Noted: map[Reason]int{notUTF8: 2, attributesTooMany: 5, attributeUnnamed: 2, attributeCut: 1, attributeTwice: 1}}
	if diff := cmp.Diff(want, r.Tally, cmp.AllowUnexported(Tally{})); diff != "" {
		t.Error(diff)
	}
	row := r.row(t, "logs")
	if row["service"] != "ca\uFFFDrt" || row["body"] != "no \uFFFD( text" || len(row["attributes"].(map[string]any)) != maxAttributes {
		t.Errorf("%.300v", row)
	}
}

// twice is a request whose record has two values for one key, which OpenTelemetry's library would not write.
func twice() []byte {
	var record []byte
	for _, v := range []string{"first", "second"} {
		kv := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "key")
		kv = message1(kv, 2, protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), v))
		record = message1(record, 6, kv)
	}
	return message1(nil, 1, message1(nil, 2, message1(nil, 2, record)))
}

func message1(to []byte, field protowire.Number, inner []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(to, field, protowire.BytesType), inner)
}

// TestResourceAfterItsRecords is how protobuf may be written, though nobody does.
func TestResourceAfterItsRecords(t *testing.T) {
	attribute := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), telemetry.ServiceName)
	attribute = message1(attribute, 2, protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "cart"))
	section := message1(nil, 2, message1(nil, 2, nil))
	section = message1(section, 1, message1(nil, 1, attribute))
	r := New(Config{Now: moment})
	if err := r.Decode(Request{Signal: telemetry.Logs, Body: message1(nil, 1, section)}); err != nil {
		t.Fatal(err)
	}
	if row := r.row(t, "logs"); row["service"] != "cart" {
		t.Errorf("%v", row)
	}
}

// TestTimesThatCannotBe are rejected one by one.
func TestTimesThatCannotBe(t *testing.T) {
	ld := plog.NewLogs()
	list := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for _, at := range []pcommon.Timestamp{1, pcommon.NewTimestampFromTime(time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)), 1<<64 - 1, pcommon.NewTimestampFromTime(moment)} {
		list.AppendEmpty().SetTimestamp(at)
	}
	r := New(Config{Now: moment})
	decodeLogs(t, r, ld)
	want := Tally{Stored: 1, Rejected: map[Reason]int{timePast: 1, timeFuture: 2}}
	if diff := cmp.Diff(want, r.Tally, cmp.AllowUnexported(Tally{})); diff != "" {
		t.Error(diff)
	}
}

// TestTruncatedRequests are malformed wherever they end, or a shorter request.
func TestTruncatedRequests(t *testing.T) {
	for _, s := range []telemetry.Signal{telemetry.Traces, telemetry.Logs} {
		body := otlptest.Sample(t, s)
		for n := range body {
			r := New(Config{Now: time.Now()})
			if err := r.Decode(Request{Signal: s, Body: body[:n]}); err == nil && n > 0 {
				t.Errorf("%s: the first %d of %d bytes were taken for a request", s, n, len(body))
			}
		}
	}
}

func TestResourcesOfARequestAreCounted(t *testing.T) {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("a", strings.Repeat("x", 10_000))
	rl.ScopeLogs().AppendEmpty()
	r := New(Config{Now: time.Now()})
	if decodeLogs(t, r, ld); r.Bytes() < 10_000 {
		t.Errorf("%d bytes are counted", r.Bytes())
	}
}

// TestASeverityInWordsIsANumber where the record has none.
func TestASeverityInWordsIsANumber(t *testing.T) {
	for text, want := range map[string]map[uint64]uint8{
		"ERROR": {0: 17, 9: 9, 25: 0}, "error": {0: 17}, "Warning": {0: 13}, "notice": {0: 9}, "": {0: 0, 5: 5}, "shout": {0: 0}, "crit": {0: 21},
		"a very long name of a level": {0: 0, 1: 1},
	} {
		for number, want := range want {
			if got := severity(number, []byte(text)); got != want {
				t.Errorf("%q, %d: %d, want %d", text, number, got, want)
			}
		}
	}
}
