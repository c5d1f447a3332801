package ingest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// gauges is a request of a point for each of n series of a gauge.
func gauges(t testing.TB, at time.Time, n int, value float64) []byte {
	t.Helper()
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("level")
	list := m.SetEmptyGauge().DataPoints()
	for i := range n {
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
	if _, _, err := s.export(t.Context(), request{signal: telemetry.Metrics, body: body}); err != nil {
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

func (r *refusing) Insert(ctx context.Context, table string, blocks []proto.Input) error {
	if table == r.table {
		return errors.New("the store is gone")
	}
	return r.DB.Insert(ctx, table, blocks)
}

// TestNoSampleIsAcknowledgedWithoutItsSeries loses the insert of the series' rows, with those of the samples done.
func TestNoSampleIsAcknowledgedWithoutItsSeries(t *testing.T) {
	db := &refusing{DB: storetest.Open(t), table: seriesTable}
	s := notServing(t, db)
	defer s.startBatcher(context.Background())()
	now := time.Now()
	first := gauges(t, now, 5, 1)
	if _, _, err := s.export(t.Context(), request{signal: telemetry.Metrics, body: first}); !errors.Is(err, ErrStore) {
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
	db.table = samplesTable
	if _, _, err := s.export(t.Context(), request{signal: telemetry.Metrics, body: gauges(t, now.Add(time.Second), 5, 2)}); !errors.Is(err, ErrStore) {
		t.Fatalf("%v, want ErrStore", err)
	}
	db.table = ""
	told(2)
	lose()
	s.TellDropped(t.Context(), []store.Dropped{{Table: seriesTable, Day: now.UTC().Truncate(24 * time.Hour), Reason: store.DiskFull}})
	told(3)
}

func TestNewSeriesMayBeRefused(t *testing.T) {
	db := storetest.Open(t)
	s := notServing(t, db)
	defer s.startBatcher(context.Background())()
	now := time.Now()
	s.mustTake(t, gauges(t, now, 2, 1))
	s.limit = newSeriesLimits(0)
	rejected, why, err := s.export(t.Context(), request{signal: telemetry.Metrics, from: &sender{}, body: gauges(t, now.Add(time.Second), 5, 2)})
	if err != nil || rejected != 3 || why == "" {
		t.Errorf("rejected %d, %q, %v; want the three new series", rejected, why, err)
	}
	if n := counted(t, db, "SELECT count() FROM metric_samples"); n != 4 {
		t.Errorf("%d samples, want 4", n)
	}
}

func TestASeriesIsTheSameInAnyOrderOfItsAttributes(t *testing.T) {
	r := &rows{}
	m := pcommon.NewMap()
	m.PutStr("a", "1")
	m.PutStr("b", "2")
	n := pcommon.NewMap()
	n.PutStr("b", "2")
	n.PutStr("a", "1")
	of := metric{resource: &resource{service: "cart"}, name: "jobs", kind: kindGauge}.hashed()
	if of.series(r.attributesOf(m)) != of.series(r.attributesOf(n)) {
		t.Error("two series")
	}
	n.PutStr("a", "2")
	n.PutStr("b", "1")
	if of.series(r.attributesOf(m)) == of.series(r.attributesOf(n)) {
		t.Error("one series")
	}
	other := of
	other.kind = kindSumDelta
	if of.series(r.attributesOf(m)) == other.hashed().series(r.attributesOf(m)) {
		t.Error("a gauge and a sum are one series")
	}
}
