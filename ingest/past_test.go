package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

// watched is a store that is asked by a server. Its first statements of some kind fail.
type watched struct {
	*store.DB
	s         *Server
	failures  map[string]int // :: how a statement begins → how often it fails
	changes   int            // statements
	unlimited int            // statements without an end, or while something may be inserted
	alone     int            // comparisons while nothing may be inserted
}

func (w *watched) Exec(ctx context.Context, query string, args ...any) error {
	w.changes++
	if end, ok := ctx.Deadline(); !ok || time.Until(end) > time.Minute || !w.locked() {
		w.unlimited++
	}
	for statement, left := range w.failures {
		if left > 0 && strings.HasPrefix(query, statement) {
			w.failures[statement]--
			return errors.New("the store is gone")
		}
	}
	return w.DB.Exec(ctx, query, args...)
}

func (w *watched) Query(ctx context.Context, query string, args ...any) (driver.Rows, error) {
	if w.locked() {
		w.alone++
	}
	return w.DB.Query(ctx, query, args...)
}

func (w *watched) QueryRow(ctx context.Context, query string, args ...any) driver.Row {
	if w.locked() {
		w.alone++
	}
	return w.DB.QueryRow(ctx, query, args...)
}

func (w *watched) locked() bool {
	free := w.s.inserting.TryAcquire(1)
	if free {
		w.s.inserting.Release(1)
	}
	return !free
}

// served puts a server spans and events of these moments into its store: one each.
func (w *watched) served(t *testing.T, moments ...time.Time) {
	t.Helper()
	for i, at := range moments {
		for _, query := range []string{
			"INSERT INTO spans (time, service, kind, name, batch_id) VALUES ('%s', 'catalog', 'server', 'GET /', %d)",
			"INSERT INTO logs (time, service, event_name, batch_id) VALUES ('%s', 'catalog', 'midwatch.deployment', %d)",
		} {
			if err := w.DB.Exec(t.Context(), fmt.Sprintf(query, at.UTC().Format("2006-01-02 15:04:05.000000"), i)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// empty takes everything out of tables.
func (w *watched) empty(t *testing.T, tables ...string) {
	t.Helper()
	for _, table := range tables {
		if err := w.DB.Exec(t.Context(), "TRUNCATE TABLE "+table); err != nil {
			t.Fatal(err)
		}
	}
}

// compareAllDays compares what is left of days at a moment, and says how often it had to.
func (w *watched) compareAllDays(t *testing.T, days []past, now time.Time) (rounds int) {
	t.Helper()
	for ; len(days) > 0; rounds++ {
		if rounds > 30 {
			t.Fatal("there is no end")
		}
		days, _ = w.s.reconcilePast(t.Context(), days, now)
		now = now.Add(reconcileEvery)
	}
	return rounds
}

func watch(t *testing.T) *watched {
	t.Helper()
	w := &watched{DB: storetest.Open(t)}
	w.s = notServing(t, w)
	return w
}

// TestDaysBeforeTheStart has something wrong in each of the seven days, in the oldest and youngest hours, too, and a store that goes away while a
// minute has no sums.
func TestDaysBeforeTheStart(t *testing.T) {
	w := watch(t)
	started := time.Now()
	var moments []time.Time
	for d := range 7 {
		moments = append(moments, started.Add(-time.Duration(d)*24*time.Hour-2*time.Minute))
	}
	w.served(t, append(moments, started.Add(-otlp.MaxPast+30*time.Minute))...)
	w.empty(t, "request_minutes", "events", "log_minutes")
	w.failures = map[string]int{"INSERT INTO request_minutes": 2}
	if rounds := w.compareAllDays(t, pastOf(started), started); rounds != 7+7+2 {
		t.Errorf("%d rounds; want two for each of seven days, and two that failed", rounds)
	}
	for _, query := range []string{"SELECT sum(requests) FROM request_minutes", "SELECT sum(lines) FROM log_minutes", "SELECT count() FROM events"} {
		if n := counted(t, w.DB, query); n != 8 {
			t.Errorf("%s: %d, want 8", query, n)
		}
	}
	if w.unlimited > 0 {
		t.Errorf("%d statements have no end, or not the store to themselves", w.unlimited)
	}
}

// TestAStoreThatGoesAwayBetween two statements by which a minute is made again, also of sums that are made of sums.
func TestAStoreThatGoesAwayBetween(t *testing.T) {
	for name, failures := range map[string]map[string]int{
		"requests":             {"INSERT INTO request_minutes": 2},
		"services":             {"INSERT INTO service_minutes": 2},
		"slowest":              {"INSERT INTO slowest_minutes": 2},
		"services and slowest": {"INSERT INTO service_minutes": 1, "INSERT INTO slowest_minutes": 1},
		"before slowest":       {"DELETE FROM slowest_minutes": 2}, // which have those of services twice by then
	} {
		t.Run(name, func(t *testing.T) {
			w := watch(t)
			started := time.Now()
			w.served(t, started.Add(-2*time.Minute), started.Add(-3*time.Minute))
			w.empty(t, "request_minutes", "service_minutes")
			w.failures = failures
			w.compareAllDays(t, pastOf(started)[:1], started)
			for statement, left := range w.failures {
				if left > 0 {
					t.Errorf("%s was to fail %d times more", statement, left)
				}
			}
			for _, query := range []string{
				"SELECT sum(requests) FROM request_minutes", "SELECT sum(spans) FROM service_minutes", "SELECT sum(spans) FROM slowest_minutes",
				"SELECT toUInt64(sum(length(s))) FROM (SELECT groupArraySortedMerge(10)(slowest) AS s FROM slowest_minutes GROUP BY minute)",
			} {
				if n := counted(t, w.DB, query); n != 2 {
					t.Errorf("%s: %d, want 2", query, n)
				}
			}
		})
	}
}

// TestDaysInWhichNothingIsWrong keep no insert waiting, and nothing in them is made again, also where one day ends in the middle of a minute.
func TestDaysInWhichNothingIsWrong(t *testing.T) {
	w := watch(t)
	started := time.Now().Truncate(time.Minute).Add(37 * time.Second).Add(-time.Minute)
	var moments []time.Time
	for d := range 8 {
		at := started.Add(-time.Duration(d) * 24 * time.Hour)
		moments = append(moments, at.Add(-5*time.Second), at.Add(5*time.Second))
	}
	w.served(t, moments...)
	if rounds := w.compareAllDays(t, pastOf(started), started); rounds != 7 || w.changes+w.alone > 0 {
		t.Errorf("%d rounds, %d changes, %d comparisons while nothing may be inserted", rounds, w.changes, w.alone)
	}
}

// TestWhatRetentionDroppedStaysDropped though the rows it was made of are still there.
func TestWhatRetentionDroppedStaysDropped(t *testing.T) {
	w := watch(t)
	ages := map[string]time.Duration{"rollups": 2 * 24 * time.Hour, "events": 3 * 24 * time.Hour}
	w.s.cfg.Kept = func(_ context.Context, signal string) (time.Duration, error) { return ages[signal], nil }
	started := time.Now()
	w.served(t, started.Add(-5*24*time.Hour), started.Add(-time.Hour))
	for _, query := range []string{"ALTER TABLE request_minutes DROP PARTITION '%s'", "ALTER TABLE log_minutes DROP PARTITION '%s'", "ALTER TABLE events DROP PARTITION '%s'"} {
		if err := w.DB.Exec(t.Context(), fmt.Sprintf(query, started.UTC().Add(-5*24*time.Hour).Format(time.DateOnly))); err != nil {
			t.Fatal(err)
		}
	}
	w.compareAllDays(t, pastOf(started), started)
	if n := counted(t, w.DB, "SELECT (SELECT count() FROM events) + (SELECT sum(requests) FROM request_minutes) + (SELECT sum(lines) FROM log_minutes)"); n != 3 || w.changes > 0 {
		t.Errorf("%d rows, want 3; %d statements", n, w.changes)
	}
	w.s.cfg.Kept = func(context.Context, string) (time.Duration, error) { return 0, errors.New("the settings are away") }
	if days, err := w.s.reconcilePast(t.Context(), pastOf(started), started); err == nil || len(days) != 7 {
		t.Errorf("%v, %d days are left; want all of them compared later", err, len(days))
	}
}
