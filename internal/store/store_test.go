package store_test

import (
	"strings"
	"testing"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

// TestRollups writes spans and asks the rollups, whose views the migration makes.
func TestRollups(t *testing.T) {
	db := storetest.Open(t)
	ctx := t.Context()
	b, err := db.PrepareBatch(ctx, "INSERT INTO spans (time, duration_ns, environment, service, kind, name, peer_service, status, attributes)")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		kind, status := "server", "ok"
		if i%2 == 1 {
			kind = "client"
		}
		if i%10 < 2 {
			status = "error"
		}
		if err := b.Append("2026-11-21 03:04:05.123456789", uint64(i), "prod", "cart", kind, "GET /", "redis", status, map[string]string{"db.system.name": "redis"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Send(); err != nil {
		t.Fatal(err)
	}
	var requests, failures uint64
	var quantiles []float32
	if err := db.QueryRow(ctx, "SELECT sum(requests), sum(errors), quantilesTDigestMerge(0.5, 0.95, 0.99)(duration) FROM request_minutes WHERE service = 'cart'").
		Scan(&requests, &failures, &quantiles); err != nil {
		t.Fatal(err)
	}
	if requests != 50 || failures != 10 || len(quantiles) != 3 {
		t.Errorf("request_minutes: %d requests, %d errors, quantiles %v; want 50, 10, three", requests, failures, quantiles)
	}
	var spans uint64
	var slowest int64
	if err := db.QueryRow(ctx, `SELECT sum(spans), sum(requests), sum(errors), quantilesDDMerge(0.01, 0.5, 0.95, 0.99)(duration), -groupArraySortedMerge(10)(slowest)[10].1
		FROM service_minutes WHERE service = 'cart'`).Scan(&spans, &requests, &failures, &quantiles, &slowest); err != nil {
		t.Fatal(err)
	}
	if spans != 100 || requests != 50 || failures != 10 || len(quantiles) != 3 || quantiles[0] < 47 || quantiles[0] > 51 || slowest != 90 {
		t.Errorf("service_minutes: %d spans, %d requests, %d errors, quantiles %v, the tenth slowest %d ns; want 100, 50, 10, 48 first, 90", spans, requests, failures, quantiles, slowest)
	}
	var of string
	if err := db.QueryRow(ctx, "SELECT sum(spans), -groupArraySortedMerge(10)(slowest)[10].1, groupArraySortedMerge(10)(slowest)[1].4 FROM slowest_minutes WHERE environment = 'prod'").
		Scan(&spans, &slowest, &of); err != nil || spans != 100 || slowest != 90 || of != "cart" {
		t.Errorf("slowest_minutes: %d spans, the tenth slowest %d ns, the slowest of %q, %v; want 100, 90, cart", spans, slowest, of, err)
	}
	var peer, protocol string
	if err := db.QueryRow(ctx, "SELECT peer_service, protocol, sum(calls) FROM edge_minutes GROUP BY ALL").Scan(&peer, &protocol, &requests); err != nil {
		t.Fatal(err)
	}
	if peer != "redis" || protocol != "redis" || requests != 50 {
		t.Errorf("edge_minutes: %d calls to %s by %s", requests, peer, protocol)
	}
}

// TestEdgesSayWhatIsSpoken calls by every kind of protocol.
func TestEdgesSayWhatIsSpoken(t *testing.T) {
	db := storetest.Open(t)
	spoken := map[string]map[string]string{
		"postgresql": {"db.system.name": "postgresql"}, "http": {"http.request.method": "GET"}, "grpc": {"rpc.system": "grpc"}, "kafka": {"messaging.system": "kafka"},
		"dns": {"dns.question.name": "example.com"}, "tcp": {"server.port": "17"},
	}
	b, err := db.PrepareBatch(t.Context(), "INSERT INTO spans (time, environment, service, kind, name, peer_service, attributes)")
	if err != nil {
		t.Fatal(err)
	}
	for protocol, attributes := range spoken {
		if err := b.Append("2026-11-21 03:04:05", "prod", "cart", "client", "call", "who speaks "+protocol, attributes); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Send(); err != nil {
		t.Fatal(err)
	}
	rows, err := db.Query(t.Context(), "SELECT peer_service, protocol FROM edge_minutes")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	n := 0
	for ; rows.Next(); n++ {
		var peer, protocol string
		if err := rows.Scan(&peer, &protocol); err != nil || peer != "who speaks "+protocol {
			t.Errorf("%s has %s, %v", peer, protocol, err)
		}
	}
	if err := rows.Err(); err != nil || n != len(spoken) {
		t.Errorf("%d edges, want %d: %v", n, len(spoken), err)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	cfg := storetest.Config(t)
	cfg.Password = "wrong"
	if _, err := store.Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "Authentication failed") {
		t.Errorf("wrong password: got %v", err)
	}
	if _, err := store.Open(t.Context(), store.Config{}); err == nil || !strings.Contains(err.Error(), "addresses") {
		t.Errorf("no address: got %v", err)
	}
}
