package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
)

var someDropped = []store.Dropped{
	{Table: "logs", Day: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Rows: 10, Bytes: 1000, Reason: store.DiskFull},
	{Table: "logs", Day: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), Rows: 20, Bytes: 500, Reason: store.DiskFull},
	{Table: "spans", Day: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), Rows: 30, Bytes: 7, Reason: store.TooOld},
}

func TestWhatWasDroppedBecomesEvents(t *testing.T) {
	db := storetest.Open(t)
	s := notServing(t, db)
	stop := s.startBatcher(context.Background())
	defer stop()
	s.TellDropped(t.Context(), someDropped)
	var got []string
	err := db.QueryRow(t.Context(), `SELECT arraySort(groupArray(concat(attributes['day'], ' ', attributes['table'], ' ', attributes['bytes'], ' ', attributes['reason'])))
		FROM events WHERE service = 'midwatch-ingester' AND event_name = ?`, telemetry.EventDropped).Scan(&got)
	if err != nil {
		t.Fatal(err)
	}
	if want := "2026-10-01 spans 7 age, 2026-11-01 logs 1000 disk, 2026-11-02 logs 500 disk"; strings.Join(got, ", ") != want {
		t.Errorf("got %q, want %s", got, want)
	}
}

func TestWhatWasDroppedBecomesAMetric(t *testing.T) {
	points := droppedMetric(someDropped, pcommon.NewTimestampFromTime(time.Now())).ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints()
	got := map[string]int64{}
	for _, p := range points.All() {
		got[fmt.Sprint(p.Attributes().AsRaw())] = p.IntValue()
	}
	if len(got) != 2 || got["map[reason:disk table:logs]"] != 1500 || got["map[reason:age table:spans]"] != 7 {
		t.Errorf("got %v", got)
	}
}

type reliever chan func() ([]store.Dropped, error)

func (r reliever) Relieve(ctx context.Context) ([]store.Dropped, error) {
	select {
	case answer := <-r:
		return answer()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestReliefTellsOnce fails again and again in two ways, and drops something beside an error.
func TestReliefTellsOnce(t *testing.T) {
	var log strings.Builder
	asked := make(reliever)
	ctx, cancel := context.WithCancel(t.Context())
	told, done := 0, make(chan error, 1)
	go func() {
		done <- Relief{
			Store: asked, Tell: func(_ context.Context, d []store.Dropped) { told += len(d) },
			Every: time.Millisecond, Log: slog.New(slog.NewTextHandler(&log, nil)),
		}.Run(ctx)
	}()
	for i := range 3 {
		asked <- func() ([]store.Dropped, error) {
			return nil, fmt.Errorf("%w: %d bytes too many", store.ErrOnlyToday, i)
		}
	}
	asked <- func() ([]store.Dropped, error) { return someDropped, errors.New("the store is away") }
	asked <- func() ([]store.Dropped, error) { return nil, errors.New("the store is away") }
	asked <- func() ([]store.Dropped, error) { return nil, nil }
	asked <- func() ([]store.Dropped, error) { cancel(); return nil, context.Canceled }
	if err := <-done; err != nil {
		t.Error(err)
	}
	if lines := strings.Count(log.String(), "\n"); lines != 2 || told != 3 {
		t.Errorf("told of %d partitions, and logged:\n%s", told, log.String())
	}
}
