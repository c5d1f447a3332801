package load

import (
	"bytes"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

func example() Load {
	return Load{Seed: 7, Start: time.Unix(1_800_000_000, 0), Span: time.Hour, Logs: 10 * Rows, Spans: 10 * Rows}
}

// The collector's own decoder reads what the records are.
func TestLogs(t *testing.T) {
	l := example()
	q := plogotlp.NewExportRequest()
	if err := q.UnmarshalProto(l.Append(nil, Logs, 9)); err != nil {
		t.Fatal(err)
	}
	if n := q.Logs().LogRecordCount(); n != Rows {
		t.Errorf("%d records, want %d", n, Rows)
	}
	traced := 0
	for _, rl := range q.Logs().ResourceLogs().All() {
		if n := rl.Resource().Attributes().Len(); n != 12 {
			t.Errorf("%d attributes of a resource, want 12", n)
		}
		for _, r := range rl.ScopeLogs().At(0).LogRecords().All() {
			if n := len(r.Body().Str()); n < 150 || n > 330 {
				t.Errorf("a body of %d bytes", n)
			}
			if n := r.Attributes().Len(); n < 8 || n > 12 {
				t.Errorf("%d attributes, want 8 to 12", n)
			}
			if at := r.Timestamp().AsTime(); at.Before(l.Start.Add(54*time.Minute)) || at.After(l.Start.Add(time.Hour)) {
				t.Errorf("a record of %s in the last tenth", at.Sub(l.Start))
			}
			if !r.TraceID().IsEmpty() && !r.SpanID().IsEmpty() {
				traced++
			}
		}
	}
	if traced < 500 || traced > 700 {
		t.Errorf("%d of %d records have a trace, want six in ten", traced, Rows)
	}
}

func TestSpans(t *testing.T) {
	l := example()
	q := ptraceotlp.NewExportRequest()
	if err := q.UnmarshalProto(l.Append(nil, Spans, 3)); err != nil {
		t.Fatal(err)
	}
	if n := q.Traces().SpanCount(); n != Rows {
		t.Fatalf("%d spans, want %d", n, Rows)
	}
	roots := 0
	for i, rs := range q.Traces().ResourceSpans().All() {
		s := rs.ScopeSpans().At(0).Spans().At(0)
		if want := l.Trace(3*Rows/10 + i/10); s.TraceID() != want {
			t.Errorf("span %d is of trace %s, want %x", i, s.TraceID(), want)
		}
		if s.ParentSpanID().IsEmpty() {
			roots++
		}
		if s.EndTimestamp() <= s.StartTimestamp() || s.Attributes().Len() != 9 || s.Name() == "" || rs.Resource().Attributes().Len() != 12 {
			t.Errorf("span %d is not whole", i)
		}
	}
	if roots != Rows/10 {
		t.Errorf("%d roots, want %d", roots, Rows/10)
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	for _, s := range []Signal{Logs, Spans} {
		a, b := example(), example()
		if !bytes.Equal(a.Append(nil, s, 4), b.Append(nil, s, 4)) {
			t.Errorf("two requests of %s differ", s)
		}
		if b.Seed++; bytes.Equal(a.Append(nil, s, 4), b.Append(nil, s, 4)) {
			t.Errorf("the seed makes no difference to %s", s)
		}
	}
}

func BenchmarkRequest(b *testing.B) {
	l := example()
	for _, s := range []Signal{Logs, Spans} {
		b.Run(string(s), func(b *testing.B) {
			var buf []byte
			for n := 0; b.Loop(); n++ {
				buf = l.Append(buf[:0], s, n%10)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/Rows, "ns/row")
			b.ReportMetric(float64(len(buf))/Rows, "B/row")
		})
	}
}
