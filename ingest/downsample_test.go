package ingest

import (
	"context"
	"fmt"
	"testing"
	"time"

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
	if got, want := state(), fmt.Sprintf("([(%d,1,4,4,4,4,4)],[])", minute(0)); got == want {
		t.Error("a minute was made before it was over for long enough")
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
	if err := next.compareResolutions(t.Context()); err != nil {
		t.Fatal(err)
	}
	run(next, at(700))
	want = fmt.Sprintf("([(%d,4,1,9,22,4,8),(%d,1,2,2,2,2,2)],[(%d,5,1,9,24,4,2)])", minute(0), minute(60), minute(0))
	if got := state(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if err := next.compareResolutions(t.Context()); err != nil || len(next.stretches.take(resolutions()[0], at(7200)))+len(next.stretches.take(resolutions()[1], at(7200))) > 0 {
		t.Errorf("%v; or there is something left to do", err)
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
