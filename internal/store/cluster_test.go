package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

// openCluster is a store in a cluster of so many shards, with the schema.
func openCluster(t *testing.T, shards int) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), storetest.Cluster(t, shards))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	errs := make(chan error)
	for range 2 {
		go func() { errs <- store.Migrate(t.Context(), db) }()
	}
	if err := errors.Join(<-errs, <-errs, store.Migrate(t.Context(), db)); err != nil {
		t.Fatal(err)
	}
	return db
}

// insert stores blocks by one insert.
func insert(t *testing.T, db *store.DB, table string, blocks ...proto.Input) error {
	t.Helper()
	var columns []string
	for _, c := range blocks[0] {
		columns = append(columns, c.Name)
	}
	return db.Insert(t.Context(), table, columns, func() []proto.Input { return blocks })
}

// logLines is a block of as many lines, each of a request of its own.
func logLines(at time.Time, n int) proto.Input {
	time := new(proto.ColDateTime64).WithPrecision(proto.PrecisionNano)
	var batch proto.ColUInt64
	event := proto.NewLowCardinality(new(proto.ColStr))
	for i := range n {
		time.Append(at)
		event.Append("started")
		batch.Append(uint64(i))
	}
	return proto.Input{{Name: "time", Data: time}, {Name: "event_name", Data: event}, {Name: "batch_id", Data: batch}}
}

func TestACluster(t *testing.T) {
	db := openCluster(t, 2)
	want := func(n uint64, from string) {
		t.Helper()
		if got := count(t, db, from); got != n {
			t.Errorf("%s: %d, want %d", from, got, n)
		}
	}
	now := time.Now()
	for _, at := range []time.Time{now, now.AddDate(0, 0, -9)} {
		if err := insert(t, db, "logs", logLines(at, 50), logLines(at, 50)); err != nil {
			t.Fatal(err)
		}
	}
	want(200, "logs")
	want(200, "events") // by the view
	want(200, "logs_local")
	want(2, "(SELECT shardNum() FROM logs GROUP BY ALL HAVING count() > 50)")
	want(2, "system.parts WHERE database = currentDatabase() AND table = 'logs_local' AND active") // an insert is one
	want(4, "(SELECT minute FROM log_minutes GROUP BY minute, severity HAVING sum(lines) = 100) ARRAY JOIN [1, 2] AS twice")
	want(200, "logs WHERE batch_id IN (SELECT batch_id FROM events)")
	want(100, "(SELECT DISTINCT l.batch_id, e.time FROM logs AS l INNER JOIN events AS e ON l.batch_id = e.batch_id AND l.time = e.time)")
	want(200, "otel_logs WHERE EventName = 'started'")
	want(0, "otel_metrics_gauge")
	want(0, "otel_metrics_summary")

	if err := db.Exec(t.Context(), `INSERT INTO spans (time, duration_ns, service, kind, batch_id)
		SELECT '2026-11-20 12:00:00', number, concat('service-', toString(number % 3)), 'server', number FROM numbers(100)`); err != nil {
		t.Fatal(err)
	}
	want(100, "(SELECT arrayJoin(range(sum(spans))) FROM slowest_minutes)") // by a view of what a view fills
	want(99+98+97+96+95+94+93+92+91+90, "(SELECT arrayJoin(range(toUInt64(-arraySum(s -> s.1, groupArraySortedMerge(10)(slowest))))) FROM slowest_minutes)")

	if err := db.Quiet(t.Context(), "logs"); err != nil {
		t.Error(err)
	}
	for _, table := range []string{"logs", "events"} {
		if err := db.Exec(t.Context(), "DELETE FROM "+table+" WHERE toDate(time) = toDate(?) AND batch_id = ?", now.UTC().Format(time.DateOnly), 7); err != nil {
			t.Fatal(err)
		}
		want(198, table)
	}
	dropped, err := db.Retain(t.Context(), 7*24*time.Hour)
	if err != nil || len(dropped) != 3 {
		t.Errorf("dropped %v, %v", dropped, err)
	}
	for _, d := range dropped {
		if strings.HasSuffix(d.Table, "_local") || store.SignalOf(d.Table+"_local") != store.SignalOf(d.Table) {
			t.Errorf("dropped of %q", d.Table)
		}
	}
	want(98, "logs")
	if dropped, err := db.Relieve(t.Context()); len(dropped) > 0 || err != nil && !errors.Is(err, store.ErrOnlyToday) && !errors.Is(err, store.ErrOthers) {
		t.Errorf("dropped %v, %v", dropped, err)
	}
}

// Rows that replace each other meet on one shard, whichever server they came to.
func TestAClusterMergesWhatIsStoredTwice(t *testing.T) {
	db := openCluster(t, 2)
	var day proto.ColDate
	var id proto.ColUInt64
	name := proto.NewLowCardinality(new(proto.ColStr))
	for i := range 100 {
		day.Append(time.Now())
		id.Append(uint64(i))
		name.Append(fmt.Sprint("m", i%3))
	}
	for range 3 {
		if err := insert(t, db, "metric_series", proto.Input{{Name: "day", Data: &day}, {Name: "series_id", Data: &id}, {Name: "name", Data: name}}); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, db, "metric_series FINAL"); n != 100 {
		t.Errorf("%d series, want 100", n)
	}
	for range 2 { // as the ingester does
		err := db.Exec(t.Context(), "INSERT INTO metric_minutes (series_id, time, count) SELECT series_id, toStartOfMinute(now()) - 86400, count() FROM metric_series GROUP BY series_id")
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, db, "metric_minutes FINAL"); n != 100 {
		t.Errorf("%d minutes, want 100", n)
	}
}

func TestWhatIsNoClusterIsRefused(t *testing.T) {
	good := storetest.Cluster(t, 1)
	for want, change := range map[string]func(*store.Config){
		"no such cluster": func(c *store.Config) { c.Cluster = "nowhere" },
		"has 1 servers":   func(c *store.Config) { c.Addresses = append(c.Addresses, c.Addresses[0]) },
		"has 2 servers":   func(c *store.Config) { c.Cluster = "two" },
		"No macro shard":  func(c *store.Config) { c.Unreplicated = false },
	} {
		cfg := good
		change(&cfg)
		if err := migrateAs(t, cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	single := good
	single.Cluster = ""
	if err := migrateAs(t, single); err != nil {
		t.Fatal(err)
	}
	if err := migrateAs(t, good); err == nil || !strings.Contains(err.Error(), "made otherwise") {
		t.Errorf("a single server's tables: %v", err)
	}
	good.Database += "_cluster"
	single.Database = good.Database
	if err := errors.Join(migrateAs(t, good), migrateAs(t, good)); err != nil {
		t.Fatal(err)
	}
	if err := migrateAs(t, single); err == nil || !strings.Contains(err.Error(), "made otherwise") {
		t.Errorf("a cluster's tables: %v", err)
	}
}

func migrateAs(t *testing.T, cfg store.Config) error {
	t.Helper()
	db, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return store.Migrate(t.Context(), db)
}
