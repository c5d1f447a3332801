package exporter_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/collector/exporter"
	"github.com/midwatch/midwatch/collector/exporter/filter"
	"github.com/midwatch/midwatch/collector/publish"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/rules"
	"github.com/midwatch/midwatch/internal/telemetry"
)

func TestEnrichesDropsAndGivesUpPoison(t *testing.T) {
	p := startParts(t)
	e, _ := p.export(rules.Drop{Signal: telemetry.Traces, Attribute: "url.path", Value: "/health*"})
	pub := p.publish()

	if err := pub.Traces(t.Context(), call("catalog", ptrace.SpanKindServer, "/items")); err != nil {
		t.Fatal(err)
	}
	p.await("SELECT toString(count()) FROM spans", "1") // the server's address is known from here on
	for _, path := range []string{"/items", "/health/ready"} {
		if err := pub.Traces(t.Context(), call("gateway", ptrace.SpanKindClient, path)); err != nil {
			t.Fatal(err)
		}
	}
	abroad := call("gateway", ptrace.SpanKindClient, "/rates")
	attrs := abroad.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes()
	attrs.PutStr(telemetry.ServerAddress, "198.51.100.7")
	attrs.PutStr(telemetry.PeerAddress, "198.51.100.7")
	attrs.PutStr(telemetry.PeerName, "api.example.com")
	if err := pub.Traces(t.Context(), abroad); err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(p.js.URL, nats.Secure(p.js.Identity(pki.Agent).Client(pki.JetStream)))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := nc.PublishMsg(&nats.Msg{Subject: "telemetry.traces.n1", Header: nats.Header{nats.MsgIdHdr: {"bad"}}, Data: []byte("\x0a\xff\xff")}); err != nil {
		t.Fatal(err)
	}
	p.drained()
	p.await(`SELECT toString(groupArray((service, kind, peer_service, attributes['server.address'], attributes['network.peer.address'])))
		FROM (SELECT * FROM spans ORDER BY service, peer_service)`,
		`[('catalog','server','','127.0.0.1',''),('gateway','client','api.example.com','api.example.com','198.51.100.7'),('gateway','client','catalog','127.0.0.1','')]`)
	p.await(`SELECT toString(groupArray(peer_service)) FROM (SELECT DISTINCT peer_service FROM edge_minutes ORDER BY peer_service)`, `['api.example.com','catalog']`)
	if st := e.Stats(); st.Poison != 1 || st.Dropped != 1 || st.Sent != 4 {
		t.Errorf("%+v", st)
	}
}

// TestKillsLoseNothingAndDoubleNothing publishes while the ingester, the store and the exporter die, and counts afterwards.
func TestKillsLoseNothingAndDoubleNothing(t *testing.T) {
	p := startParts(t)
	_, stop := p.export()
	pub := p.publish()
	const batches, lines = 240, 25
	for i := range batches {
		if err := pub.Logs(t.Context(), numbered(i*lines, lines)); err != nil {
			t.Fatal(err)
		}
		if err := pub.Traces(t.Context(), call(fmt.Sprint("service-", i), ptrace.SpanKindServer, "/")); err != nil {
			t.Fatal(err)
		}
		switch i {
		case 40, 160:
			p.atLeast(i * lines / 2)
			p.kill("ingester")
			p.start("ingester")
		case 80, 200:
			p.atLeast(i * lines / 2)
			p.kill("store")
			p.start("store")
		case 120:
			stop()
			_, stop = p.export()
		}
	}
	p.drained()
	p.await(`SELECT toString((count(), uniqExact(body), uniqExact(batch_id))) FROM logs`, fmt.Sprintf("(%d,%d,%d)", batches*lines, batches*lines, batches))
	p.await(`SELECT toString((count(), uniqExact(service))) FROM spans`, fmt.Sprintf("(%d,%d)", batches, batches))
	if testing.Short() {
		return
	}
	// The minutes are repaired after they ended, whatever the kills left of them.
	p.await("SELECT toString(sum(requests)) FROM request_minutes", fmt.Sprint(batches))
}

// TestNothingLeavesBeforeTheRulesAreKnown holds telemetry back as long as nobody knows what must not leave.
func TestNothingLeavesBeforeTheRulesAreKnown(t *testing.T) {
	p := startParts(t)
	filters, err := filter.NewLive(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	filters.Hold(errors.New("rules are being read"))
	e, _ := p.exportThrough(filters)
	if err := p.publish().Logs(t.Context(), numbered(7, 1)); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() (string, bool) { st := e.Stats(); return fmt.Sprintf("%+v", st), st.Held > 0 })
	if st := e.Stats(); st.Sent != 0 {
		t.Errorf("%+v", st)
	}
	if err := filters.Set(nil, []rules.Redaction{{Pattern: "[0-9]"}}); err != nil {
		t.Fatal(err)
	}
	p.drained()
	p.await(`SELECT toString(groupArray(body)) FROM logs`, `['line ****']`)
	if st := e.Stats(); st.Sent != 1 || st.Redacted != 1 {
		t.Errorf("%+v", st)
	}
}

// export runs an exporter until stop or the end of the test.
func (p *parts) export(drop ...rules.Drop) (e *exporter.Exporter, stop func()) {
	p.t.Helper()
	filters, err := filter.NewLive(drop, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.exportThrough(filters)
}

func (p *parts) exportThrough(filters *filter.Live) (e *exporter.Exporter, stop func()) {
	p.t.Helper()
	id := p.js.Identity(pki.Exporter)
	e, err := exporter.New(exporter.Config{
		JetStreamURL: p.js.URL, JetStreamTLS: id.Client(pki.JetStream),
		IngesterAddress: p.ingesterAt, IngesterTLS: id.Client(pki.Ingester), Filters: filters,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return e, run(p.t, e.Run)
}

func (p *parts) publish() *publish.Publisher {
	p.t.Helper()
	pub, err := publish.New(publish.Config{URL: p.js.URL, TLS: p.js.Identity(pki.Agent).Client(pki.JetStream), Node: "n1"})
	if err != nil {
		p.t.Fatal(err)
	}
	run(p.t, pub.Run)
	return pub
}

// run starts a part; stop, at the latest at the end of the test, waits for its end.
func run(t *testing.T, part func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- part(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// drained waits until every message published is acknowledged.
func (p *parts) drained() {
	p.t.Helper()
	nc, err := nats.Connect(p.js.URL, nats.Secure(p.js.Identity(pki.CLI).Client(pki.JetStream)))
	if err != nil {
		p.t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		p.t.Fatal(err)
	}
	eventually(p.t, func() (string, bool) {
		c, err := js.Consumer(p.t.Context(), telemetry.StreamName, "exporter")
		if err != nil {
			return err.Error(), false
		}
		i := c.CachedInfo()
		return fmt.Sprintf("%d pending, %d unacknowledged", i.NumPending, i.NumAckPending), i.NumPending == 0 && i.NumAckPending == 0 && i.Delivered.Stream > 0
	})
}

func (p *parts) atLeast(rows int) {
	p.t.Helper()
	eventually(p.t, func() (string, bool) {
		var n uint64
		err := p.db.QueryRow(p.t.Context(), "SELECT count() FROM logs").Scan(&n)
		return fmt.Sprint(n, err), err == nil && n >= uint64(rows)
	})
}

// await waits until the store answers want.
func (p *parts) await(query, want string) {
	p.t.Helper()
	eventually(p.t, func() (string, bool) {
		var got string
		err := p.db.QueryRow(p.t.Context(), query).Scan(&got)
		return fmt.Sprintf("%s: got %s, want %s (%v)", query, got, want, err), err == nil && got == want
	})
}

func eventually(t *testing.T, ok func() (string, bool)) {
	t.Helper()
	for deadline := time.Now().Add(150 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		state, done := ok()
		if done {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("after 150 s: ", state)
		}
	}
}

// call is a span of a request to port 8080 of the host.
func call(service string, kind ptrace.SpanKind, path string) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr(telemetry.ServiceName, service)
	rs.Resource().Attributes().PutStr(telemetry.HostName, "h")
	s := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetKind(kind)
	s.SetName("GET " + path)
	s.SetTraceID(pcommon.TraceID{1})
	s.SetSpanID(pcommon.SpanID{1})
	s.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	s.SetEndTimestamp(s.StartTimestamp())
	s.Attributes().PutStr(telemetry.URLPath, path)
	s.Attributes().PutStr(telemetry.ServerAddress, "127.0.0.1")
	s.Attributes().PutInt(telemetry.ServerPort, 8080)
	return td
}

func numbered(first, n int) plog.Logs {
	ld := plog.NewLogs()
	list := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for i := range n {
		l := list.AppendEmpty()
		l.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		l.Body().SetStr(fmt.Sprint("line ", first+i))
	}
	return ld
}
