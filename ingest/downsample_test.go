package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

// downsampledState is what the downsampled tables say, read as they are to be read.
const downsampledState = `SELECT toString((
	(SELECT groupArray((toUnixTimestamp(time), count, min, max, sum, first, last)) FROM (SELECT * FROM metric_minutes FINAL ORDER BY time, series_id)),
	(SELECT groupArray((toUnixTimestamp(time), count, min, max, sum, first, last)) FROM (SELECT * FROM metric_ten_minutes FINAL ORDER BY time, series_id))))`

func TestSamplesAreDownsampled(t *testing.T) {
	db := storetest.Open(t)
	s := notServing(t, db)
	defer s.startBatcher(context.Background())()
	state := func() (out string) {
		t.Helper()
		if err := db.QueryRow(t.Context(), downsampledState).Scan(&out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	run := func(s *Server, now time.Time) {
		t.Helper()
		if err := s.downsampleOnce(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
	base := time.Now().Truncate(24 * time.Hour) // tests begin after midnight, or this is all in the future by seconds
	at := func(second int) time.Time { return base.Add(time.Duration(second-3600) * time.Second) }
	s.mustTake(t, gauges(t, at(0), 1, 4))
	s.mustTake(t, gauges(t, at(50), 1, 8))
	s.mustTake(t, gauges(t, at(70), 1, 2))
	run(s, at(70))
	minute := func(second int) int64 { return at(second).Unix() }
	if got := state(); got != "([],[])" {
		t.Errorf("a minute was made before it was over for long enough: %s", got)
	}
	run(s, at(600))
	if got, want := state(), fmt.Sprintf("([(%d,2,4,8,12,4,8),(%d,1,2,2,2,2,2)],[])", minute(0), minute(60)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	s.mustTake(t, gauges(t, at(20), 1, 1)) // late
	run(s, at(700))
	want := fmt.Sprintf("([(%d,3,1,8,13,4,8),(%d,1,2,2,2,2,2)],[(%d,4,1,8,15,4,2)])", minute(0), minute(60), minute(0))
	if got := state(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}

	// An ingester that died before it came to it.
	s.mustTake(t, gauges(t, at(30), 1, 9))
	next := notServing(t, db)
	next.compareAll(t.Context())
	run(next, at(700))
	want = fmt.Sprintf("([(%d,4,1,9,22,4,8),(%d,1,2,2,2,2,2)],[(%d,5,1,9,24,4,2)])", minute(0), minute(60), minute(0))
	if got := state(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if next.compareAll(t.Context()); len(next.stretches.take(resolutions()[0], at(7200)))+len(next.stretches.take(resolutions()[1], at(7200))) > 0 {
		t.Error("there is something left to do")
	}
}

// TestMinutesBetweenAreNotMadeAgain has a request with the first and the last minute of each of some days, and whatever another sent between.
func TestMinutesBetweenAreNotMadeAgain(t *testing.T) {
	s := notServing(t, storetest.Open(t))
	defer s.startBatcher(context.Background())()
	midnight := time.Now().UTC().Truncate(24 * time.Hour)
	var want, got []string
	var moments []time.Time
	for day := -3; day < 0; day++ {
		from := midnight.AddDate(0, 0, day)
		for _, at := range []time.Time{from, from.Add(64*time.Minute - 1), from.Add(64 * time.Minute), from.Add(24*time.Hour - time.Second)} {
			moments = append(moments, at)
			want = append(want, at.Truncate(time.Minute).Format(time.DateTime))
		}
	}
	s.mustTake(t, gaugesAt(t, moments, 1))
	for _, p := range s.stretches.take(resolutions()[0], time.Now().Add(time.Hour)) {
		for at := p[0]; at.Before(p[1]); at = at.Add(time.Minute) {
			got = append(got, at.Format(time.DateTime))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d minutes are due, %v; want %v", len(got), got[:min(len(got), 20)], want)
	}
}

// slow keeps every comparison until it is let.
type slow struct {
	*store.DB
	asked, let chan struct{}
}

func (s *slow) Query(ctx context.Context, query string, args ...any) (driver.Rows, error) {
	if !strings.Contains(query, "metric_minutes FINAL") { // looks for requests that may be stored
		return s.DB.Query(ctx, query, args...)
	}
	select {
	case s.asked <- struct{}{}:
	default:
	}
	select {
	case <-s.let:
	case <-ctx.Done():
	}
	return s.DB.Query(ctx, query, args...)
}

// TestComparingKeepsNothingFromBeingMade begins with a store that takes long to say what is missing.
func TestComparingKeepsNothingFromBeingMade(t *testing.T) {
	db := &slow{DB: storetest.Open(t), asked: make(chan struct{}, 1), let: make(chan struct{})}
	s := notServing(t, db, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(t.Output(), nil)) })
	defer s.startBatcher(context.Background())()
	s.mustTake(t, gauges(t, time.Now().Add(-time.Hour), 1, 4))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.downsample(ctx) }()
	<-db.asked
	for wait := time.Now().Add(3 * time.Minute); counted(t, db, "SELECT count() FROM metric_minutes") == 0; time.Sleep(10 * time.Millisecond) { // the store may be slow, and refuse the first
		if time.Now().After(wait) {
			t.Fatal("no minute was made while days are compared")
		}
	}
	stop()
	<-done
}

// TestComparingReadsNoOldDays has samples that no table of minutes has, from before any sample that could have come to an ingester that stopped.
func TestComparingReadsNoOldDays(t *testing.T) {
	db := storetest.Open(t)
	s := notServing(t, db)
	for _, days := range []int{2, 30} {
		if err := db.Exec(t.Context(), fmt.Sprintf("INSERT INTO metric_samples (series_id, time, value) VALUES (1, now() - INTERVAL %d DAY, 1)", days)); err != nil {
			t.Fatal(err)
		}
	}
	s.compareAll(t.Context())
	if pieces := s.stretches.take(resolutions()[0], time.Now()); len(pieces) != 1 || time.Since(pieces[0][0]) > 3*24*time.Hour {
		t.Errorf("%v are due, want a minute of two days ago", pieces)
	}
}

func TestFailedDownsamplingStaysDue(t *testing.T) {
	s := notServing(t, storetest.Empty(t)) // without tables
	now := time.Now()
	s.stretches.mark(resolutions()[0], now.Add(-2*time.Hour), now)
	if err := s.downsampleOnce(t.Context(), now); err == nil {
		t.Fatal("no error")
	}
	var due time.Duration
	for _, p := range s.stretches.take(resolutions()[0], now.Add(time.Hour)) {
		if p[1].Sub(p[0]) > maxStretch {
			t.Errorf("a piece of %s", p[1].Sub(p[0]))
		}
		due += p[1].Sub(p[0])
	}
	if due < 2*time.Hour {
		t.Errorf("%s are due, want two hours", due)
	}
}

// tight is a store that refuses to make what is too much, and a stretch that it never makes.
type tight struct {
	*store.DB
	never time.Time
}

func (s *tight) Exec(ctx context.Context, query string, args ...any) error {
	if from, to, ok := stretchOf(args); ok {
		minutes := strings.HasPrefix(query, "INSERT INTO metric_minutes ")
		if minutes && to.Sub(from) > 2*time.Minute || !minutes && !strings.Contains(query, "series_id % 4 =") {
			return &clickhouse.Exception{Code: int32(proto.ErrMemoryLimitExceeded)}
		}
		if !s.never.Before(from) && s.never.Before(to) {
			return &clickhouse.Exception{Code: int32(proto.ErrLogicalError)}
		}
	}
	return s.DB.Exec(ctx, query, args...)
}

func stretchOf(args []any) (from, to time.Time, ok bool) {
	if len(args) != 2 {
		return from, to, false
	}
	return args[0].(driver.NamedDateValue).Value, args[1].(driver.NamedDateValue).Value, true
}

// TestWhatIsTooMuchIsMadeInPieces of less time, and then of fewer series; and what cannot be made at all keeps nothing else from being made.
func TestWhatIsTooMuchIsMadeInPieces(t *testing.T) {
	base := time.Now().UTC().Truncate(24 * time.Hour).Add(-time.Hour)
	db := &tight{DB: storetest.Open(t), never: base.Add(13*time.Minute + time.Second)}
	s := notServing(t, db)
	defer s.startBatcher(context.Background())()
	const series = 40
	for i := range 30 {
		s.mustTake(t, gauges(t, base.Add(time.Duration(i)*time.Minute), series, float64(i)))
	}
	if err := s.downsampleOnce(t.Context(), base.Add(2*time.Hour)); err == nil {
		t.Error("nobody is told of what could not be made")
	}
	if n := counted(t, db, "SELECT sum(count) FROM metric_minutes FINAL"); n < 28*series || n == 30*series {
		t.Errorf("%d samples are in minutes, of %d in all and at most %d that cannot be", n, 30*series, 2*series)
	}
	due := s.stretches.take(resolutions()[0], base.Add(2*time.Hour))
	if len(due) != 1 || due[0][1].Sub(due[0][0]) > 2*time.Minute || db.never.Before(due[0][0]) || !db.never.Before(due[0][1]) {
		t.Errorf("%v are due, want what could not be made", due)
	}
	s.stretches.mark(resolutions()[0], db.never, db.never)
	s.stretches.mark(resolutions()[0], due[0][0], due[0][1].Add(-time.Second))
	db.never = time.Time{}
	if err := s.downsampleOnce(t.Context(), base.Add(2*time.Hour)); err != nil {
		t.Error(err)
	}
	for _, table := range []string{"metric_minutes", "metric_ten_minutes"} {
		if n := counted(t, db, "SELECT sum(count) FROM "+table+" FINAL"); n != 30*series {
			t.Errorf("%d samples in %s, want %d", n, table, 30*series)
		}
	}
}

// forgetful is a store that cannot compare one day the first time.
type forgetful struct {
	*store.DB
	failures int
	asked    map[time.Time]bool // days
	last     func()             // called when all were asked for
}

func (f *forgetful) Query(ctx context.Context, query string, args ...any) (driver.Rows, error) {
	if f.asked == nil {
		f.asked = map[time.Time]bool{}
	}
	if f.asked[args[0].(driver.NamedDateValue).Value] = true; len(f.asked) == compareDays {
		defer f.last()
	}
	if f.failures--; f.failures == 0 {
		return nil, errors.New("the store is busy")
	}
	return f.DB.Query(ctx, query, args...)
}

// TestADayThatCannotBeCompared keeps none of the others waiting.
func TestADayThatCannotBeCompared(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	db := &forgetful{DB: storetest.Open(t), failures: 1, last: stop}
	notServing(t, db).compareAll(ctx)
	if len(db.asked) != compareDays {
		t.Errorf("%d days were compared, want all %d", len(db.asked), compareDays)
	}
}
