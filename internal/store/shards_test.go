package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/store"
)

// shardConfig is of an engine that is one of two shards.
const shardConfig = `<clickhouse><tcp_port>%d</tcp_port><max_server_memory_usage>1073741824</max_server_memory_usage>
<remote_servers><main><shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard>
<shard><replica><host>127.0.0.1</host><port>9001</port></replica></shard></main></remote_servers></clickhouse>`

// twoShards is a cluster of two engines that cannot be asked for each other's rows, and each of them by itself.
func twoShards(t *testing.T, retention store.Retention) (db *store.DB, each []*store.DB) {
	t.Helper()
	cfg := engines(t, fmt.Sprintf(shardConfig, 9000), fmt.Sprintf(shardConfig, 9001))
	cfg.Unreplicated, cfg.Retention = true, retention
	if err := migrateAs(t, cfg); err != nil {
		t.Fatal(err)
	}
	open := func(cfg store.Config) *store.DB {
		db, err := store.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}
	db = open(cfg)
	addresses := cfg.Addresses
	cfg.Cluster = ""
	for i := range addresses {
		cfg.Addresses = addresses[i : i+1]
		each = append(each, open(cfg))
	}
	return db, each
}

// onBoth runs statements on each of some servers.
func onBoth(t *testing.T, servers []*store.DB, statements ...string) {
	t.Helper()
	for _, server := range servers {
		for _, s := range statements {
			if err := server.Exec(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// linesOf stores so many lines of a day, of a kilobyte each.
func linesOf(ago, n int) string {
	return fmt.Sprintf("INSERT INTO logs_local (time, body, batch_id) SELECT now() - INTERVAL %d DAY, randomString(1000), number FROM numbers(%d)", ago, n)
}

func TestWhatIsDoneOnEachServer(t *testing.T) {
	db, servers := twoShards(t, store.Retention{DiskShare: 1})
	onBoth(t, servers, linesOf(0, 10), linesOf(9, 10), "CREATE TABLE t_local (n UInt64) ENGINE = MergeTree ORDER BY n")
	if err := db.Exec(t.Context(), "DELETE FROM logs WHERE batch_id = ?", 7); err != nil {
		t.Fatal(err)
	}
	for i, server := range servers {
		if n := count(t, server, "logs_local"); n != 18 {
			t.Errorf("server %d: %d lines are left, want 18", i, n)
		}
	}
	if dropped, err := db.Retain(t.Context(), 7*24*time.Hour); err != nil || len(dropped) < 2 {
		t.Errorf("dropped %v, %v", dropped, err)
	}
	wantDroppedBefore(t, db, "logs", 8)
	for i, server := range servers {
		if n := count(t, server, "logs_local"); n != 9 {
			t.Errorf("server %d: %d lines are left, want 9", i, n)
		}
		end := make(chan struct{})
		done := insertUntil(t, server, "t_local", 1, end)
		short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		if err := db.Quiet(short, "t"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("an insert runs on server %d: %v", i, err)
		}
		cancel()
		close(end)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := db.Quiet(t.Context(), "t"); err != nil {
			t.Error(err)
		}
	}
}

// TestADayIsHalfThereOnNoServer has one of two servers be too full.
func TestADayIsHalfThereOnNoServer(t *testing.T) {
	db, servers := twoShards(t, store.Retention{DiskShare: 1, MaxBytes: 5_000_000})
	onBoth(t, servers, linesOf(3, 10), linesOf(2, 10), linesOf(1, 10))
	onBoth(t, servers[:1], linesOf(2, 10_000), "INSERT INTO metric_series_local (day, series_id, name) VALUES (today() - 3, 1, 'of the other server')")
	onBoth(t, servers[1:], "INSERT INTO metric_samples_local (series_id, time, value) SELECT 1, now() - INTERVAL 3 DAY, 1")

	dropped, err := db.Relieve(t.Context())
	if err != nil {
		t.Error(err)
	}
	rows := map[string]uint64{}
	for _, d := range dropped {
		if d.Table == "logs" {
			rows[time.Now().UTC().Truncate(24*time.Hour).Sub(d.Day).String()] += d.Rows
		}
	}
	if len(rows) != 2 || rows["72h0m0s"] != 20 || rows["48h0m0s"] != 10_020 {
		t.Errorf("dropped %v", dropped)
	}
	wantDroppedBefore(t, db, "logs", 1)
	for i, server := range servers {
		if n := count(t, server, "logs_local"); n != 10 {
			t.Errorf("server %d: %d lines are left, want yesterday's 10", i, n)
		}
	}
	if series, samples := count(t, servers[0], "metric_series_local"), count(t, servers[1], "metric_samples_local"); series != 1 || samples != 1 {
		t.Errorf("%d series are left for %d samples", series, samples)
	}
}
