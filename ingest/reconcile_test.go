package ingest

import (
	"crypto/tls"
	"fmt"
	"testing"
	"time"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/ingest/receive"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// TestDerivedTablesAreRepaired takes rows out of the derived tables, as a store that died in the middle of an insert leaves them.
func TestDerivedTablesAreRepaired(t *testing.T) {
	db := storetest.Open(t)
	s := notServing(t, db)
	now := time.Now()
	run := func(query string) {
		t.Helper()
		if err := db.Exec(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	state := func() (out string) {
		t.Helper()
		for _, q := range []string{
			"SELECT toString(groupArray((minute, service, n, e, p))) FROM (SELECT minute, service, sum(requests) AS n, sum(errors) AS e, quantilesTDigestMerge(0.5, 0.95, 0.99)(duration) AS p FROM request_minutes GROUP BY minute, service ORDER BY minute, service)",
			"SELECT toString(groupArray((minute, peer_service, n))) FROM (SELECT minute, peer_service, sum(calls) AS n FROM edge_minutes GROUP BY minute, peer_service ORDER BY minute, peer_service)",
			"SELECT toString(groupArray((minute, service, n, s))) FROM (SELECT minute, service, sum(spans) AS n, groupArraySortedMerge(10)(slowest) AS s FROM service_minutes GROUP BY minute, service ORDER BY minute, service)",
			"SELECT toString(groupArray((minute, n, s))) FROM (SELECT minute, sum(spans) AS n, groupArraySortedMerge(10)(slowest) AS s FROM slowest_minutes GROUP BY minute ORDER BY minute)",
			"SELECT toString(groupArray((minute, service, n))) FROM (SELECT minute, service, sum(lines) AS n FROM log_minutes GROUP BY minute, service ORDER BY minute, service)",
			"SELECT toString(groupArray((event_name, batch_id))) FROM (SELECT * FROM events ORDER BY batch_id)",
		} {
			var v string
			if err := db.QueryRow(t.Context(), q).Scan(&v); err != nil {
				t.Fatal(err)
			}
			out += v + "\n"
		}
		return out
	}
	for i, ago := range []int{60, 120, 180} {
		at := fmt.Sprintf("toDateTime64('%s', 9, 'UTC')", now.UTC().Add(-time.Duration(ago)*time.Second).Format(time.DateTime))
		run(`INSERT INTO spans (time, duration_ns, service, kind, name, peer_service, status, batch_id)
			SELECT ` + at + `, 1000 * number, 'catalog', if(number % 2, 'server', 'client'), 'GET /', 'db', if(number < 10, 'error', 'unset'), 1 FROM numbers(100)`)
		run(fmt.Sprintf(`INSERT INTO logs (time, service, event_name, batch_id) VALUES (%s, 'catalog', 'midwatch.deployment', %d)`, at, i))
	}
	want := state()
	run("ALTER TABLE request_minutes DELETE WHERE minute < now() - 130 SETTINGS mutations_sync = 1")
	run("ALTER TABLE edge_minutes DELETE WHERE 1 SETTINGS mutations_sync = 1")
	run("ALTER TABLE service_minutes DELETE WHERE minute < now() - 130 SETTINGS mutations_sync = 1")
	run("ALTER TABLE slowest_minutes DELETE WHERE minute > now() - 130 SETTINGS mutations_sync = 1")
	run("ALTER TABLE log_minutes DELETE WHERE minute < now() - 130 SETTINGS mutations_sync = 1")
	run("ALTER TABLE events DELETE WHERE batch_id = 1 SETTINGS mutations_sync = 1")
	if state() == want {
		t.Fatal("the test took nothing out")
	}
	for range 2 { // the second time there is nothing to do
		s.dirty.mark(now.Add(-time.Hour), now)
		if err := s.reconcileOnce(t.Context(), now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if got := state(); got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	}
	if _, _, ok := s.dirty.take(now.Add(time.Hour)); ok {
		t.Error("still dirty")
	}
	run("INSERT INTO events SELECT * FROM events WHERE batch_id = 0") // told twice
	if _, err := s.repair(t.Context(), now.Add(-time.Hour), now); err != nil || state() != want {
		t.Errorf("%v, got\n%swant\n%s", err, state(), want)
	}
}

// TestWhatIsMarkedMeanwhileStays dirty, whether what was taken is right by then or not.
func TestWhatIsMarkedMeanwhileStays(t *testing.T) {
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, right := range []bool{true, false} {
		var d dirty
		d.mark(noon, noon.Add(5*time.Minute))
		from, to, ok := d.take(noon.Add(5 * time.Minute))
		if !ok || from != noon || to != noon.Add(5*time.Minute) {
			t.Fatalf("took %s to %s, %v", from, to, ok)
		}
		late := noon.Add(time.Minute + time.Second)
		d.mark(late, late)
		want := noon.Add(time.Minute)
		if !right {
			d.mark(from, to.Add(-1))
			want = noon
		}
		if from, to, ok = d.take(noon.Add(time.Hour)); !ok || from != want || to != noon.Add(6*time.Minute) {
			t.Errorf("took %s to %s, %v; want from %s", from, to, ok, want)
		}
	}
}

// TestSumsOutliveTheirRows which are dropped earlier.
func TestSumsOutliveTheirRows(t *testing.T) {
	db := storetest.Open(t)
	s := notServing(t, db)
	now := time.Now()
	for _, q := range []string{
		"INSERT INTO spans (time, service, kind, name) SELECT now64() - 600, 'catalog', 'server', 'GET /' FROM numbers(10)",
		"TRUNCATE TABLE spans",
	} {
		if err := db.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	s.dirty.mark(now.Add(-time.Hour), now)
	if err := s.reconcileOnce(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	var requests uint64
	if err := db.QueryRow(t.Context(), "SELECT sum(requests) FROM request_minutes").Scan(&requests); err != nil || requests != 10 {
		t.Errorf("%d requests, %v; want what was there before the spans went", requests, err)
	}
}

// notServing is a server that was not started, configured as is said.
func notServing(t *testing.T, db Store, change ...func(*Config)) *Server {
	t.Helper()
	cfg := Config{GRPCListen: "x:1", HTTPListen: "x:1", TLS: &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13}, Store: db}
	for _, set := range change {
		set(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sent is a request of the ingester itself.
func sent(signal telemetry.Signal, body []byte) receive.Request {
	return receive.Request{Request: otlp.Request{Signal: signal, Body: body}}
}
