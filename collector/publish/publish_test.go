package publish_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/collector/envelope"
	"github.com/midwatch/midwatch/collector/publish"
	"github.com/midwatch/midwatch/deploy/jetstream/jetstreamtest"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/telemetry"
)

func TestEverySignalArrives(t *testing.T) {
	s := jetstreamtest.Start(t)
	p := start(t, s, 0)
	td, md := ptrace.NewTraces(), pmetric.NewMetrics()
	td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty().SetName("GET /")
	md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty().SetName("m")
	for _, err := range []error{p.Traces(t.Context(), td), p.Metrics(t.Context(), md), p.Logs(t.Context(), lines(1, "hello"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	await(t, p, func(st publish.Stats) bool { return st.Published == 3 })
	got := map[telemetry.Signal]int{}
	for _, b := range stored(t, s) {
		got[b.Signal]++
	}
	if len(got) != 3 || got[telemetry.Traces] != 1 {
		t.Fatalf("stored %v", got)
	}
}

func TestOutageLosesNothing(t *testing.T) {
	s := jetstreamtest.Start(t)
	p := start(t, s, 0)
	for i := range 60 {
		switch i {
		case 20:
			await(t, p, func(st publish.Stats) bool { return st.Published > 0 })
			s.Down()
		case 40:
			await(t, p, func(st publish.Stats) bool { return st.Retries > 0 })
			s.Up()
		}
		if err := p.Logs(t.Context(), lines(1, fmt.Sprint("line ", i))); err != nil {
			t.Fatal(err)
		}
	}
	await(t, p, func(st publish.Stats) bool { return st.Queued == 0 })
	seen := map[string]int{}
	for _, b := range stored(t, s) {
		ld, err := new(plog.ProtoUnmarshaler).UnmarshalLogs(b.OTLP)
		if err != nil {
			t.Fatal(err)
		}
		seen[ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().Str()]++
	}
	for i := range 60 {
		if n := seen[fmt.Sprint("line ", i)]; n != 1 {
			t.Errorf("line %d is stored %d times", i, n)
		}
	}
}

func TestLargeBatchIsCut(t *testing.T) {
	s := jetstreamtest.Start(t)
	p := start(t, s, 0)
	large := lines(41, "")
	records := large.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
	for i := range records.Len() {
		records.At(i).Body().SetStr(noise(100_000))
	}
	if err := p.Logs(t.Context(), large); err != nil {
		t.Fatal(err)
	}
	if err := p.Logs(t.Context(), lines(1, noise(2_000_000))); err != nil { // fits into no message
		t.Fatal(err)
	}
	await(t, p, func(st publish.Stats) bool { return st.Queued == 0 && st.Oversized == 1 })
	total := 0
	batches := stored(t, s)
	for _, b := range batches {
		ld, err := new(plog.ProtoUnmarshaler).UnmarshalLogs(b.OTLP)
		if err != nil {
			t.Fatal(err)
		}
		total += ld.LogRecordCount()
	}
	if total != 41 || len(batches) < 4 {
		t.Fatalf("%d records in %d messages", total, len(batches))
	}
}

func TestFullQueueDropsOldest(t *testing.T) {
	p, err := publish.New(publish.Config{URL: "tls://127.0.0.1:1", Node: "n", MaxQueue: 300_000})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if err := p.Logs(t.Context(), lines(1, noise(100_000))); err != nil {
			t.Fatal(err)
		}
	}
	st := p.Stats()
	if st.Dropped == 0 || st.Dropped+uint64(st.Queued) != 10 || st.QueuedBytes > 300_000 {
		t.Fatalf("%+v", st)
	}
	if n := p.Drops()["publish_queue_full"]; n != st.Dropped {
		t.Errorf("tells of %d drops, want %d", n, st.Dropped)
	}
}

func start(t *testing.T, s *jetstreamtest.Server, maxQueue int) *publish.Publisher {
	t.Helper()
	p, err := publish.New(publish.Config{
		URL: s.URL, TLS: s.Identity(pki.Agent).Client(pki.JetStream), Node: "n1", MaxQueue: maxQueue,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return p
}

func await(t *testing.T, p *publish.Publisher, ok func(publish.Stats) bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(p.Stats()); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after 20 s: %+v", p.Stats())
		}
	}
}

// stored reads every message of the stream.
func stored(t *testing.T, s *jetstreamtest.Server) []envelope.Batch {
	t.Helper()
	nc, err := nats.Connect(s.URL, nats.Secure(s.Identity(pki.Exporter).Client(pki.JetStream)))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), telemetry.StreamName)
	if err != nil {
		t.Fatal(err)
	}
	codec, err := envelope.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	var out []envelope.Batch
	for seq := uint64(1); seq <= stream.CachedInfo().State.LastSeq; seq++ {
		m, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		b, err := codec.Open(m.Subject, m.Header, m.Data)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

func lines(n int, body string) plog.Logs {
	ld := plog.NewLogs()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for range n {
		records.AppendEmpty().Body().SetStr(body)
	}
	return ld
}

// noise is text that compresses to half.
func noise(n int) string {
	b := make([]byte, n/2)
	rand.Read(b)
	return hex.EncodeToString(b)
}
