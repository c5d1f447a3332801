package recording_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/collector/publish"
	"github.com/midwatch/midwatch/collector/recording"
	"github.com/midwatch/midwatch/deploy/jetstream/jetstreamtest"
	"github.com/midwatch/midwatch/internal/auth/pki"
)

// sink keeps what is played.
type sink struct {
	traces  []ptrace.Traces
	metrics []pmetric.Metrics
	logs    []plog.Logs
	came    []time.Time
}

func (s *sink) Traces(_ context.Context, td ptrace.Traces) error {
	s.traces, s.came = append(s.traces, td), append(s.came, time.Now())
	return nil
}

func (s *sink) Metrics(_ context.Context, md pmetric.Metrics) error {
	s.metrics, s.came = append(s.metrics, md), append(s.came, time.Now())
	return nil
}

func (s *sink) Logs(_ context.Context, ld plog.Logs) error {
	s.logs, s.came = append(s.logs, ld), append(s.came, time.Now())
	return nil
}

func TestPlaysWhatWasRecordedAsOfNow(t *testing.T) {
	called := time.Now()
	var recorded time.Time // after recording began
	trace := pcommon.TraceID{1, 2, 3}
	file := record(t, 4, func(p *publish.Publisher) {
		recorded = time.Now()
		must(t, p.Traces(t.Context(), spans(1, trace)))
		must(t, p.Metrics(t.Context(), gauge(42, recorded)))
		must(t, p.Logs(t.Context(), line("hello", trace, recorded)))
		for p.Stats().Published < 3 {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(300 * time.Millisecond) // the interval that playing must keep
		must(t, p.Traces(t.Context(), spans(1, trace)))
	})
	var got sink
	began := time.Now()
	if err := recording.Play(t.Context(), bytes.NewReader(file), &got, 1); err != nil {
		t.Fatal(err)
	}
	if len(got.traces) != 2 || len(got.metrics) != 1 || len(got.logs) != 1 {
		t.Fatalf("%d, %d and %d batches", len(got.traces), len(got.metrics), len(got.logs))
	}
	if d := got.came[3].Sub(got.came[0]); d < 250*time.Millisecond {
		t.Errorf("the last batch came %s after the first, want at least 0.3 s", d)
	}
	s1, s2 := got.traces[0].ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0), got.traces[1].ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
	l := got.logs[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	point := got.metrics[0].ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Gauge().DataPoints().At(0)
	if s1.TraceID() != s2.TraceID() || s1.TraceID() != l.TraceID() || s1.TraceID() == trace || s1.SpanID() == s2.SpanID() {
		t.Errorf("ids: %s and %s, log %s", s1.TraceID(), s2.TraceID(), l.TraceID())
	}
	if d := time.Duration(s1.EndTimestamp() - s1.StartTimestamp()); d != 5*time.Millisecond {
		t.Errorf("the span takes %s, want 5 ms", d)
	}
	if point.DoubleValue() != 42 || l.Body().Str() != "hello" {
		t.Errorf("point %g, line %q", point.DoubleValue(), l.Body().Str())
	}
	// Everything moved by what lies between the two beginnings.
	least, most := began.Sub(recorded)-time.Microsecond, time.Since(called)
	for name, ts := range map[string]pcommon.Timestamp{
		"log": l.Timestamp(), "observed": l.ObservedTimestamp(), "point": point.Timestamp(), "start": point.StartTimestamp(),
	} {
		if moved := ts.AsTime().Sub(recorded); moved < least || moved > most {
			t.Errorf("time of %s moved by %s, want %s to %s", name, moved, least, most)
		}
	}
	if err := recording.Play(t.Context(), bytes.NewReader(file), &got, 100); err != nil {
		t.Fatal(err)
	}
	if again := got.traces[2].ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0); again.TraceID() == s1.TraceID() {
		t.Error("the second playing has the trace ids of the first")
	}
}

// TestTwoMinutesOfTheShopFitIntoAMegabyte records what a shop of five services at 30 requests a second makes of spans and points.
func TestTwoMinutesOfTheShopFitIntoAMegabyte(t *testing.T) {
	const seconds, requests, calls = 120, 30, 8
	file := record(t, 2*seconds, func(p *publish.Publisher) {
		for s := range seconds {
			must(t, p.Traces(t.Context(), spans(requests*calls, pcommon.TraceID{})))
			md := pmetric.NewMetrics()
			if s%5 == 0 {
				for i := range 200 {
					gauge(mathrand.Float64(), time.Now().Add(time.Duration(i))).ResourceMetrics().MoveAndAppendTo(md.ResourceMetrics())
				}
			} else {
				md = gauge(1, time.Now())
			}
			must(t, p.Metrics(t.Context(), md))
		}
	})
	t.Logf("%d spans in %d bytes", seconds*requests*calls, len(file))
	if len(file) > 1_000_000 {
		t.Errorf("%d bytes", len(file))
	}
}

func TestDamagedFilesAreErrors(t *testing.T) {
	file := record(t, 1, func(p *publish.Publisher) { must(t, p.Traces(t.Context(), spans(50, pcommon.TraceID{}))) })
	for name, b := range map[string][]byte{"empty": nil, "other": []byte("PK\x03\x04 something else entirely"), "cut": file[:len(file)/2]} {
		if err := recording.Play(t.Context(), bytes.NewReader(b), &sink{}, 1); !errors.Is(err, recording.ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", name, err)
		}
	}
}

// record returns a recording of the batches that do publishes.
func record(t *testing.T, batches int, do func(*publish.Publisher)) []byte {
	t.Helper()
	s := jetstreamtest.Start(t)
	pub, err := publish.New(publish.Config{URL: s.URL, TLS: s.Identity(pki.Agent).Client(pki.JetStream), Node: "n"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { must(t, pub.Run(ctx)) })

	var file bytes.Buffer
	ready := make(chan struct{})
	recordCtx, stop := context.WithTimeout(ctx, 2*time.Minute)
	defer stop()
	var recorded recording.Summary
	done := make(chan error, 1)
	go func() {
		var err error
		recorded, err = recording.Record(recordCtx, recording.Config{
			URL: s.URL, TLS: s.Identity(pki.CLI).Client(pki.JetStream), Ready: func() { close(ready) },
			Progress: func(sum recording.Summary) {
				if sum.Batches == batches {
					stop()
				}
			},
		}, &file)
		done <- err
	}()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	do(pub)
	if err := <-done; err != nil || recorded.Batches != batches {
		t.Fatalf("%+v, %v, want %d batches", recorded, err, batches)
	}
	return file.Bytes()
}

func spans(n int, trace pcommon.TraceID) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "catalog")
	list := rs.ScopeSpans().AppendEmpty().Spans()
	for range n {
		s := list.AppendEmpty()
		id := trace
		if id.IsEmpty() {
			rand.Read(id[:])
		}
		var span pcommon.SpanID
		rand.Read(span[:])
		s.SetTraceID(id)
		s.SetSpanID(span)
		s.SetName("GET /items/{id}")
		end := time.Now()
		took := 5 * time.Millisecond
		if n > 1 {
			took = time.Duration(mathrand.IntN(int(20 * time.Millisecond)))
		}
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(end.Add(-took)))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(end))
		s.Attributes().PutStr("http.request.method", "GET")
		s.Attributes().PutStr("url.path", fmt.Sprint("/items/", mathrand.IntN(1000)))
		s.Attributes().PutInt("http.response.status_code", 200)
		s.Attributes().PutStr("server.address", "127.0.0.1")
		s.Attributes().PutInt("server.port", 8081)
		s.Attributes().PutInt("network.peer.port", int64(40000+mathrand.IntN(50)))
		s.Attributes().PutInt("midwatch.response.size", int64(mathrand.IntN(4000)))
	}
	return td
}

func gauge(v float64, at time.Time) pmetric.Metrics {
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("process.cpu.utilization")
	p := m.SetEmptyGauge().DataPoints().AppendEmpty()
	p.SetTimestamp(pcommon.NewTimestampFromTime(at))
	p.SetStartTimestamp(p.Timestamp())
	p.SetDoubleValue(v)
	return md
}

func line(body string, trace pcommon.TraceID, at time.Time) plog.Logs {
	ld := plog.NewLogs()
	l := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	l.SetTimestamp(pcommon.NewTimestampFromTime(at))
	l.SetObservedTimestamp(pcommon.NewTimestampFromTime(at))
	l.SetTraceID(trace)
	l.Body().SetStr(body)
	return ld
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}
