package ingest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/ingest/receive"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// reading counts the rows that the store reads for queries.
type reading struct {
	*store.DB
	rows uint64
}

func (r *reading) Query(ctx context.Context, query string, args ...any) (driver.Rows, error) {
	return r.DB.Query(clickhouse.Context(ctx, clickhouse.WithProgress(func(p *clickhouse.Progress) { r.rows += p.Rows })), query, args...)
}

// TestALookUpReadsItsTimeOnly of a day that has much more, also for requests of times that are far apart.
func TestALookUpReadsItsTimeOnly(t *testing.T) {
	db := &reading{DB: storetest.Open(t)}
	s := notServing(t, db)
	midnight := time.Now().UTC().Truncate(24 * time.Hour).Add(-24 * time.Hour)
	for _, query := range []string{
		"INSERT INTO logs (time, service, body, batch_id) SELECT toDateTime64('%s', 9, 'UTC') + number / 10, 'catalog', 'x', number FROM numbers(860000)",
		"INSERT INTO spans (time, service, name, batch_id) SELECT toDateTime64('%s', 9, 'UTC') + number / 10, 'catalog', 'x', number FROM numbers(860000)",
		"INSERT INTO metric_samples (series_id, time, value, batch_id) SELECT number %% 10, toDateTime64('%s', 9, 'UTC') + number / 10, 1, number FROM numbers(860000)",
	} {
		if err := db.Exec(t.Context(), fmt.Sprintf(query, midnight.Format(time.DateTime))); err != nil {
			t.Fatal(err)
		}
	}
	for table, most := range map[string]uint64{"logs": 4 * 1024, "spans": 4 * 8192, "metric_samples": 2 * (36000 + 2*8192)} {
		var parts []part
		p := partition{table, otlp.DayOf(midnight.UnixNano())}
		for _, n := range []int{36_000, 36_001, 720_000} { // at one, and at 20 o'clock
			at := midnight.Add(time.Duration(n) * 100 * time.Millisecond).UnixNano()
			parts = append(parts, part{&otlp.Chunk{Table: table, Day: p.day, First: at, Last: at}, &write{batch: uint64(n), doubtful: true}})
		}
		db.rows = 0
		there, err := s.lookUp(t.Context(), p, parts)
		if err != nil || len(there) != 3 || there[36_000] != 1 || there[720_000] != 1 {
			t.Errorf("%s: found %v, %v", table, there, err)
		}
		if db.rows == 0 || db.rows > most {
			t.Errorf("%s: %d of 860,000 rows were read, want at most %d", table, db.rows, most)
		}
	}
}

// shortly is a store that finds nothing in time where the rows of more than four hours are to be read.
type shortly struct{ *store.DB }

func (s shortly) Query(ctx context.Context, query string, args ...any) (driver.Rows, error) {
	if first, ok := args[1].(int64); ok && args[2].(int64)-first > int64(4*time.Hour) {
		return nil, context.DeadlineExceeded
	}
	return s.DB.Query(ctx, query, args...)
}

// TestOneWhoseRowsAreFarApartHoldsUpNobody who comes at the same time.
func TestOneWhoseRowsAreFarApartHoldsUpNobody(t *testing.T) {
	db := storetest.Open(t)
	s := notServing(t, shortly{db})
	noon := time.Now().UTC().Truncate(24 * time.Hour).Add(-12 * time.Hour)
	wide, failed := asWriteAt(t, time.Now(), "wide", append(lines(t, noon.Add(-11*time.Hour), "wide"), lines(t, noon, "wide")...))
	var group []*write
	for i := range 3 {
		w, err := asWriteAt(t, time.Now(), fmt.Sprint("id", i), lines(t, noon.Add(time.Duration(i)*time.Hour), "short"))
		group = append(group, w)
		t.Cleanup(func() {
			if *err != nil {
				t.Error(*err)
			}
		})
	}
	group = append(group[:2], wide, group[2])
	for _, w := range group {
		w.doubtful = true
	}
	if s.insert(t.Context(), group); !errors.Is(*failed, receive.ErrStore) {
		t.Errorf("%v of the request that cannot be looked up", *failed)
	}
	if got := bodies(t, db); got != "short short short" {
		t.Errorf("stored %s", got)
	}
}

// TestAForeignSenderComesToAnotherIngester with a request whose answer it did not get, and does not say so.
func TestAForeignSenderComesToAnotherIngester(t *testing.T) {
	db := storetest.Open(t)
	bodies := map[telemetry.Signal][]byte{telemetry.Logs: lines(t, time.Now(), "a", "b"), telemetry.Metrics: gauges(t, time.Now(), 3, 1)}
	for range 2 {
		s := notServing(t, db)
		s.fates.lookAll = time.Time{} // it serves for long
		stop := s.startBatcher(context.Background())
		for signal, body := range bodies {
			q := sent(signal, body)
			q.From = &receive.Sender{Token: "abc"}
			if _, err := s.export(t.Context(), q); err != nil {
				t.Error(err)
			}
		}
		stop()
	}
	if n := counted(t, db, "SELECT 10 * (SELECT count() FROM logs) + (SELECT count() FROM metric_samples)"); n != 23 {
		t.Errorf("%d, want two log records and three samples", n)
	}
}

// TestRecordsWithoutATimeAreFound though they are of another time, and another day, when they come again.
func TestRecordsWithoutATimeAreFound(t *testing.T) {
	midnight := time.Now().UTC().Truncate(24 * time.Hour)
	for _, c := range []struct {
		name  string
		named time.Time // when a third record says that it was; if ever
		came  [3]time.Time
	}{
		{"on a day", time.Time{}, [3]time.Time{midnight.Add(-2 * time.Hour), midnight.Add(-100 * time.Minute), midnight.Add(-99 * time.Minute)}},
		{"over midnight", time.Time{}, [3]time.Time{midnight.Add(-2 * time.Second), midnight.Add(3 * time.Second), midnight.Add(8 * time.Second)}},
		{"with one of the day before", midnight.Add(-time.Minute), [3]time.Time{midnight.Add(-2 * time.Second), midnight.Add(3 * time.Second), midnight.Add(8 * time.Second)}},
		{"first after midnight, with one of the day before", midnight.Add(-time.Minute), [3]time.Time{midnight.Add(3 * time.Second), midnight.Add(8 * time.Second), midnight.Add(9 * time.Second)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := storetest.Open(t)
			s := notServing(t, db)
			want, body := "a b", lines(t, time.Unix(0, 0), "a", "b")
			if !c.named.IsZero() { // messages of protocol buffers one after the other are one
				want, body = "a b c", append(body, lines(t, c.named, "c")...)
			}
			for _, at := range c.came {
				w, err := asWriteAt(t, at, "id", body)
				w.doubtful, w.ago = true, time.Hour
				if s.insert(t.Context(), []*write{w}); *err != nil {
					t.Fatal(*err)
				}
			}
			if got := bodies(t, db); got != want {
				t.Errorf("stored %s", got)
			}
		})
	}
}

// TestAJobThatTellsTheSameEveryMinuteIsStoredEveryMinute, of no time and without an id, in groups with others that are looked for in other minutes.
func TestAJobThatTellsTheSameEveryMinuteIsStoredEveryMinute(t *testing.T) {
	db := storetest.Open(t)
	s := notServing(t, db)
	noon := time.Now().UTC().Truncate(24 * time.Hour).Add(-12 * time.Hour)
	for n, after := range []time.Duration{0, 20 * time.Second, time.Minute, 2 * time.Minute, 2*time.Minute + 30*time.Second} { // the second and the last come again
		at := noon.Add(after)
		beat, failed := asWriteAt(t, at, "beat", lines(t, time.Unix(0, 0), "beat"))
		other, _ := asWriteAt(t, at, fmt.Sprint("other", n), lines(t, at.Add(-5*time.Minute), "other"))
		late, _ := asWriteAt(t, at, fmt.Sprint("late", n), lines(t, at.Add(5*time.Minute), "other"))
		both, _ := asWriteAt(t, at, fmt.Sprint("both", n), append(lines(t, time.Unix(0, 0), "other"), lines(t, at.Add(-45*time.Second), "other")...))
		again, _ := asWriteAt(t, at, fmt.Sprint("again", n), lines(t, time.Unix(0, 0), "other"))
		group := []*write{other, beat, late, both, again}
		for _, w := range group {
			w.doubtful, w.ago = true, timeless
		}
		again.ago = time.Hour
		if s.insert(t.Context(), group); *failed != nil {
			t.Fatal(*failed)
		}
	}
	if n := counted(t, db, "SELECT count() FROM logs WHERE body = 'beat'"); n != 3 {
		t.Errorf("%d are stored, want 3", n)
	}
}

// TestARequestMayHaveComeLongAgo if it has an id, also when it came a moment ago and nobody knows what became of it.
func TestARequestMayHaveComeLongAgo(t *testing.T) {
	now := time.Now()
	named, again, unnamed := sent(telemetry.Logs, nil), sent(telemetry.Logs, nil), sent(telemetry.Logs, []byte("x"))
	unnamed.ID, again.Redelivered = "", true
	if err := unnamed.Identify(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		q    receive.Request
		was  seen
		want time.Duration
	}{
		{named, seen{}, longAgo},
		{named, seen{unknown, now.Add(-time.Second)}, longAgo},
		{named, seen{unknown, now.Add(-2 * time.Hour)}, 2*time.Hour + timeless},
		{again, seen{unknown, now.Add(-time.Second)}, longAgo},
		{unnamed, seen{}, timeless},
		{unnamed, seen{unknown, time.Time{}}, timeless},
		{unnamed, seen{unknown, now.Add(-time.Second)}, timeless + time.Second},
	} {
		if got := cameFirst(c.q, c.was, now); got != c.want {
			t.Errorf("%+v: %s ago, want %s", c.was, got, c.want)
		}
	}
}

// TestAForeignSenderWithACertificateIsLookedUp as one with a token is: it does not say when it sends a request again.
func TestAForeignSenderWithACertificateIsLookedUp(t *testing.T) {
	db := storetest.Open(t)
	body := lines(t, time.Now(), "a", "b")
	for range 2 { // the second is the ingester after a restart, for longer than it looks up everything
		s := notServing(t, db)
		s.fates.lookAll = time.Time{}
		stop := s.startBatcher(context.Background())
		q := sent(telemetry.Logs, body)
		q.From = &receive.Sender{}
		if _, err := s.export(t.Context(), q); err != nil {
			t.Error(err)
		}
		stop()
	}
	if n := counted(t, db, "SELECT count() FROM logs"); n != 2 {
		t.Errorf("%d log records, want 2", n)
	}
}
