package ingest

import (
	"context"
	"testing"
	"time"

	"github.com/midwatch/midwatch/ingest/receive"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// TestADuplicateIsToldWhatTheStoreRefused when its sender did not hear the first answer.
func TestADuplicateIsToldWhatTheStoreRefused(t *testing.T) {
	db := storetest.Open(t)
	if err := db.Exec(t.Context(), "ALTER TABLE logs ADD CONSTRAINT harmless CHECK NOT startsWith(body, 'poison')"); err != nil {
		t.Fatal(err)
	}
	s := notServing(t, db)
	s.fates.lookAll = time.Time{}
	defer s.startBatcher(context.Background())()
	now := time.Now()
	for i := range 2 {
		q := sent(telemetry.Logs, lines(t, now, "a", "poison", "b"))
		q.ID = "one"
		r, err := s.export(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if rejected, why := r.Partial(); rejected != 1 || why == "" {
			t.Errorf("time %d: %d rejected, %q", i+1, rejected, why)
		}
	}
	if got := bodies(t, db); got != "a b" {
		t.Errorf("stored: %s", got)
	}
	if n := s.counters.snapshot()[count{telemetry.Logs, outcomeRequest, requestDuplicate}]; n != 1 {
		t.Errorf("%d duplicates", n)
	}
}

func TestSetsOfTokensThatAreGoneGo(t *testing.T) {
	monday := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	l := newSeriesLimits(100)
	let(l, &receive.Sender{Token: "gone", Series: 10}, "prod", monday, 0, 5)
	l.forget(monday.AddDate(0, 0, 1))
	if len(l.sets) != 2 {
		t.Errorf("%d sets are left a day later, want both: the day before counts", len(l.sets))
	}
	let(l, &receive.Sender{}, "prod", monday.AddDate(0, 0, 1), 0, 5)
	l.forget(monday.AddDate(0, 0, 2))
	if len(l.sets) != 1 {
		t.Errorf("%d sets are left, want that of the environment", len(l.sets))
	}
}
