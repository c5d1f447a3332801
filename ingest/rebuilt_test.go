package ingest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

// rollupsOfSpans say how many spans of a server are in each rollup of them.
var rollupsOfSpans = []string{
	"SELECT sum(requests) FROM request_minutes WHERE minute = '%s'", "SELECT sum(spans) FROM service_minutes WHERE minute = '%[1]s'", "SELECT sum(spans) FROM slowest_minutes WHERE minute = '%[1]s'",
}

// TestALateRowReplacesNoSums of those that were dropped of its minute, however they were; that minutes of other days count more than they have is mended.
func TestALateRowReplacesNoSums(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		retention store.Retention
		kept      map[string]time.Duration // nil: for ever
		drop      func(db *store.DB, day time.Time) error
	}{
		"by Retain": {
			retention: store.Retention{DiskShare: 1, Days: map[string]int{"spans": 2}},
			drop: func(db *store.DB, _ time.Time) error {
				_, err := db.Retain(t.Context(), 30*day)
				return err
			},
		},
		"by Relieve": {
			retention: store.Retention{DiskShare: 1, MaxBytes: 1_000_000},
			drop: func(db *store.DB, _ time.Time) error {
				_, err := db.Relieve(t.Context())
				return err
			},
		},
		"by age, before anybody noted it": {
			retention: store.Retention{DiskShare: 1},
			kept:      map[string]time.Duration{"spans": 2 * day, "logs": 2 * day, "rollups": 30 * day, "events": 30 * day},
			drop: func(db *store.DB, of time.Time) error {
				return db.Exec(t.Context(), fmt.Sprintf("ALTER TABLE spans DROP PARTITION '%s'", of.Format(time.DateOnly)))
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := watchOn(t, c.retention)
			if c.kept != nil {
				w.s.cfg.Kept = func(_ context.Context, signal string) (time.Duration, error) { return c.kept[signal], nil }
			}
			started := time.Now()
			old, recent := started.UTC().Add(-4*day-time.Hour).Truncate(time.Minute), started.UTC().Add(-time.Hour).Truncate(time.Minute)
			spans := func(at time.Time, n, bytes int) {
				t.Helper()
				err := w.DB.Exec(t.Context(), fmt.Sprintf("INSERT INTO spans (time, service, kind, name, batch_id, attributes) SELECT '%s', 'catalog', 'server', 'GET /', number, map('noise', randomString(%d)) FROM numbers(%d)",
					at.Format(time.DateTime), bytes, n))
				if err != nil {
					t.Fatal(err)
				}
			}
			spans(old, 10, 200_000)
			spans(recent, 10, 1)
			if err := c.drop(w.DB, old); err != nil {
				t.Fatal(err)
			}
			if n := counted(t, w.DB, "SELECT count() FROM spans"); n != 10 {
				t.Fatalf("%d spans are left, want the 10 recent ones", n)
			}
			spans(old, 1, 1)
			if err := w.DB.Exec(t.Context(), "DELETE FROM spans WHERE batch_id < 4 AND time > ?", old.Add(day)); err != nil {
				t.Fatal(err)
			}
			w.s.dirty.mark(old, started)
			if err := w.s.reconcileOnce(t.Context(), started); err != nil {
				t.Fatal(err)
			}
			w.compareAllDays(t, pastOf(started), started)
			for _, query := range rollupsOfSpans {
				for at, want := range map[time.Time]uint64{old: 11, recent: 6} {
					if n := counted(t, w.DB, fmt.Sprintf(query, at.Format(time.DateTime))); n != want {
						t.Errorf("%s: %d spans of %s, want %d", query, n, at, want)
					}
				}
			}
		})
	}
}

// TestEventsOutliveTheirRecords of a request whose records are of two days, the first of which was dropped.
func TestEventsOutliveTheirRecords(t *testing.T) {
	w := watchOn(t, store.Retention{DiskShare: 1, Days: map[string]int{"logs": 2}})
	started := time.Now()
	midnight := started.UTC().Truncate(24*time.Hour).AddDate(0, 0, -2) // the first second that is kept
	for _, at := range []time.Time{midnight.Add(-time.Second), midnight} {
		query := "INSERT INTO logs (time, service, event_name, batch_id) VALUES ('%s', 'catalog', 'midwatch.deployment', 1)"
		if err := w.DB.Exec(t.Context(), fmt.Sprintf(query, at.Format(time.DateTime))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Retain(t.Context(), 30*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	w.s.dirty.mark(midnight.Add(-time.Hour), started)
	if err := w.s.reconcileOnce(t.Context(), started); err != nil {
		t.Fatal(err)
	}
	if logs, events := counted(t, w.DB, "SELECT count() FROM logs"), counted(t, w.DB, "SELECT count() FROM events"); logs != 1 || events != 2 {
		t.Errorf("%d records and %d events, want the one that is kept and both events", logs, events)
	}
}

// watchOn is watch of a store that drops what this says.
func watchOn(t *testing.T, retention store.Retention) *watched {
	t.Helper()
	cfg := storetest.Config(t)
	cfg.Retention = retention
	db, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := store.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	w := &watched{DB: db}
	w.s = notServing(t, w)
	return w
}
