package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/ingest/receive"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// gauges is a request of a point for each of n series of a gauge.
func gauges(t testing.TB, at time.Time, n int, value float64) []byte {
	t.Helper()
	return gaugesAt(t, slices.Repeat([]time.Time{at}, n), value)
}

// gaugesAt is a request of a point at each of some moments, each of another series of a gauge.
func gaugesAt(t testing.TB, moments []time.Time, value float64) []byte {
	t.Helper()
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("level")
	list := m.SetEmptyGauge().DataPoints()
	for i, at := range moments {
		p := list.AppendEmpty()
		p.SetTimestamp(pcommon.NewTimestampFromTime(at))
		p.SetDoubleValue(value)
		p.Attributes().PutStr("tank", fmt.Sprint(i))
	}
	body, err := pmetricotlp.NewExportRequestFromMetrics(md).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func (s *Server) mustTake(t testing.TB, body []byte) {
	t.Helper()
	if _, err := s.export(t.Context(), sent(telemetry.Metrics, body)); err != nil {
		t.Fatal(err)
	}
}

func counted(t testing.TB, db Store, query string) (n uint64) {
	t.Helper()
	if err := db.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestASeriesIsToldOnceADay(t *testing.T) {
	db := storetest.Open(t)
	s := notServing(t, db)
	defer s.startBatcher(context.Background())()
	now := time.Now()
	for i := range 3 {
		s.mustTake(t, gauges(t, now.Add(time.Duration(i)*time.Millisecond), 5, float64(i)))
	}
	if n := counted(t, db, "SELECT count() FROM metric_series"); n != 5 {
		t.Errorf("%d rows of 5 series", n)
	}
	s.mustTake(t, gauges(t, now.Add(-24*time.Hour), 5, 1))
	if n := counted(t, db, "SELECT count() FROM metric_series"); n != 10 {
		t.Errorf("%d rows of 5 series on two days", n)
	}
	if n := counted(t, db, "SELECT count() FROM metric_samples INNER JOIN (SELECT DISTINCT series_id FROM metric_series) AS s USING (series_id)"); n != 20 {
		t.Errorf("%d samples with a series, want 20", n)
	}
}

// refusing takes no rows of one table.
type refusing struct {
	*store.DB
	table string
}

func (r *refusing) Insert(ctx context.Context, table string, columns []string, blocks func() []proto.Input) error {
	if table == r.table {
		return errors.New("the store is gone")
	}
	return r.DB.Insert(ctx, table, columns, blocks)
}

// TestNoSampleIsAcknowledgedWithoutItsSeries loses the insert of the series' rows, with those of the samples done.
func TestNoSampleIsAcknowledgedWithoutItsSeries(t *testing.T) {
	db := &refusing{DB: storetest.Open(t), table: otlp.SeriesTable}
	s := notServing(t, db)
	defer s.startBatcher(context.Background())()
	now := time.Now()
	first := gauges(t, now, 5, 1)
	if _, err := s.export(t.Context(), sent(telemetry.Metrics, first)); !errors.Is(err, receive.ErrStore) {
		t.Fatalf("got %v, want ErrStore", err)
	}
	db.table = ""
	s.mustTake(t, gauges(t, now.Add(time.Second), 5, 2)) // of the same series, before the first comes again
	if n := counted(t, db, "SELECT count() FROM metric_samples INNER JOIN (SELECT DISTINCT series_id FROM metric_series) AS s USING (series_id)"); n != 10 {
		t.Errorf("%d samples with a series, want 10", n)
	}
	s.mustTake(t, first)
	if n := counted(t, db, "SELECT count() FROM metric_samples"); n != 10 {
		t.Errorf("%d samples, want each once", n)
	}
}

// TestASeriesIsToldAgainWhenTheStoreMayHaveLostIt loses rows with a store that stopped without warning, and by retention.
func TestASeriesIsToldAgainWhenTheStoreMayHaveLostIt(t *testing.T) {
	db := &refusing{DB: storetest.Open(t)}
	s := notServing(t, db)
	defer s.startBatcher(context.Background())()
	now := time.Now()
	lose := func() {
		t.Helper()
		if err := db.Exec(t.Context(), "TRUNCATE TABLE metric_series"); err != nil {
			t.Fatal(err)
		}
	}
	told := func(second int) {
		t.Helper()
		s.mustTake(t, gauges(t, now.Add(time.Duration(second)*time.Second), 5, 2))
		if n := counted(t, db, "SELECT count() FROM metric_series WHERE name = 'level'"); n != 5 {
			t.Errorf("%d rows of 5 series", n)
		}
	}
	told(0)
	lose()
	db.table = otlp.SamplesTable
	if _, err := s.export(t.Context(), sent(telemetry.Metrics, gauges(t, now.Add(time.Second), 5, 2))); !errors.Is(err, receive.ErrStore) {
		t.Fatalf("%v, want ErrStore", err)
	}
	db.table = ""
	told(2)
	lose()
	s.TellDropped(t.Context(), []store.Dropped{{Table: otlp.SeriesTable, Day: now.UTC().Truncate(24 * time.Hour), Reason: store.DiskFull}})
	told(3)
}

// TestADayThatAnotherIngesterDropped is told again when late samples of it come.
func TestADayThatAnotherIngesterDropped(t *testing.T) {
	db := storetest.Open(t)
	s := notServing(t, db)
	defer s.startBatcher(context.Background())()
	yesterday := time.Now().Add(-24 * time.Hour)
	s.mustTake(t, gauges(t, time.Now(), 5, 1))
	s.mustTake(t, gauges(t, yesterday, 5, 1))
	if err := db.Exec(t.Context(), "TRUNCATE TABLE metric_series"); err != nil {
		t.Fatal(err)
	}
	s.forgetBefore(time.Now())
	s.mustTake(t, gauges(t, time.Now(), 5, 1))
	s.mustTake(t, gauges(t, yesterday.Add(time.Second), 5, 1))
	if n := counted(t, db, "SELECT count() FROM metric_series WHERE day = toDate(now('UTC')) - 1"); n != 5 {
		t.Errorf("%d rows of 5 series of yesterday", n)
	}
	if n := counted(t, db, "SELECT count() FROM metric_series WHERE day = toDate(now('UTC'))"); n != 0 {
		t.Errorf("%d rows of 5 series of today, which nobody drops", n)
	}
}

func TestNewSeriesMayBeRefused(t *testing.T) {
	db := storetest.Open(t)
	s := notServing(t, db)
	defer s.startBatcher(context.Background())()
	now := time.Now()
	s.mustTake(t, gauges(t, now, 2, 1))
	s.limit = newSeriesLimits(0)
	q := sent(telemetry.Metrics, gauges(t, now.Add(time.Second), 5, 2))
	q.From = &receive.Sender{}
	r, err := s.export(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if rejected, why := r.Tally.Partial(); rejected != 3 || why == "" {
		t.Errorf("rejected %d, %q; want the three new series", rejected, why)
	}
	if n := counted(t, db, "SELECT count() FROM metric_samples"); n != 4 {
		t.Errorf("%d samples, want 4", n)
	}
}
