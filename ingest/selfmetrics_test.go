package ingest

import (
	"context"
	"testing"
	"time"

	"github.com/midwatch/midwatch/ingest/otlp/otlptest"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
)

func TestOwnCountersBecomeRows(t *testing.T) {
	db := storetest.Open(t)
	s := notServing(t, db)
	stop := s.startBatcher(context.Background())
	defer stop()
	if _, err := s.export(t.Context(), sent(telemetry.Logs, otlptest.Sample(t, telemetry.Logs))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.export(t.Context(), sent(telemetry.Logs, []byte("\x0a\xff"))); err == nil {
		t.Fatal("a malformed request was stored")
	}
	if err := s.storeSelf(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	var got string
	err := db.QueryRow(t.Context(), `SELECT toString(groupArray((attributes['signal'], attributes['outcome'], attributes['reason'], value)))
		FROM (SELECT * FROM metric_samples INNER JOIN (SELECT * FROM metric_series) AS s USING (series_id)
			WHERE service = 'midwatch-ingester' AND name = ? ORDER BY attributes['outcome'])`, telemetry.IngestRecords).Scan(&got)
	if err != nil {
		t.Fatal(err)
	}
	if want := `[('logs','request','request_malformed',1),('logs','stored','',1)]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	rm := s.selfMetrics(time.Now(), time.Now()).ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
	seen := map[string]bool{}
	for _, m := range rm.All() {
		seen[m.Name()] = true
		switch m.Name() {
		case telemetry.IngestDuration:
			if n := m.Histogram().DataPoints().Len(); n == 0 || m.Histogram().DataPoints().At(0).Sum() <= 0 {
				t.Errorf("%d points of insert durations", n)
			}
		case telemetry.IngestBytes:
			if m.Sum().DataPoints().At(0).IntValue() <= 0 {
				t.Error("no bytes")
			}
		}
	}
	for _, name := range []string{telemetry.IngestBytes, telemetry.IngestRows, telemetry.IngestDuration, telemetry.IngestWaiting, telemetry.IngestWaitingBytes} {
		if !seen[name] {
			t.Errorf("no %s", name)
		}
	}
}
