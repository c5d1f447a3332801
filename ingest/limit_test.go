package ingest

import (
	"testing"
	"time"

	"github.com/midwatch/midwatch/ingest/receive"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

// let counts the ids from first on, n of them, that are let in.
func let(l *seriesLimits, from *receive.Sender, environment string, at time.Time, first, n uint64) (in int) {
	may := l.of(from, at)
	for id := first; id < first+n; id++ {
		if may(environment, id) {
			in++
		}
	}
	return in
}

func TestSeriesLimit(t *testing.T) {
	monday := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	tuesday := monday.AddDate(0, 0, 1)
	part, small := &receive.Sender{}, &receive.Sender{Token: "t", Series: 10}
	for name, c := range map[string]func(l *seriesLimits) (got, want int){
		"up to the limit": func(l *seriesLimits) (int, int) { return let(l, part, "prod", monday, 0, 500), 100 },
		"another environment has its own": func(l *seriesLimits) (int, int) {
			let(l, part, "prod", monday, 0, 500)
			return let(l, part, "test", monday, 0, 500), 100
		},
		"the old are kept": func(l *seriesLimits) (int, int) {
			let(l, part, "prod", monday, 0, 500)
			return let(l, part, "prod", monday, 0, 150), 100
		},
		"the token's own": func(l *seriesLimits) (int, int) { return let(l, small, "prod", monday, 0, 500), 10 },
		"the token's rejects do not count": func(l *seriesLimits) (int, int) {
			let(l, small, "prod", monday, 0, 500)
			return let(l, part, "prod", monday, 1000, 500), 90
		},
		"a new day": func(l *seriesLimits) (int, int) {
			let(l, part, "prod", monday, 0, 500)
			return let(l, part, "prod", tuesday, 1000, 500), 100
		},
		"yesterday's before new ones": func(l *seriesLimits) (int, int) {
			let(l, part, "prod", monday, 0, 500)
			let(l, part, "prod", tuesday, 1000, 500) // an explosion at midnight
			return let(l, part, "prod", tuesday, 0, 500), 100
		},
		"yesterday's, up to twice the limit": func(l *seriesLimits) (int, int) {
			l.set(tenant{environment: "prod"}, tuesday).before = map[uint64]struct{}{}
			for id := range uint64(500) { // of an ingester that had a higher limit
				l.sets[tenant{environment: "prod"}].before[id] = struct{}{}
			}
			return let(l, part, "prod", tuesday, 0, 500), 200
		},
		"not the day before yesterday's": func(l *seriesLimits) (int, int) {
			let(l, part, "prod", monday, 0, 100)
			later := tuesday.AddDate(0, 0, 1)
			let(l, part, "prod", later, 1000, 100)
			return let(l, part, "prod", later, 0, 100), 0
		},
	} {
		if got, want := c(newSeriesLimits(100)); got != want {
			t.Errorf("%s: %d let in, want %d", name, got, want)
		}
	}
	if newSeriesLimits(1).of(nil, monday) != nil {
		t.Error("the ingester's own metrics are limited")
	}
}

// TestSeriesOfBeforeTheKeyDoNotCountTwice against the limit.
func TestSeriesOfBeforeTheKeyDoNotCountTwice(t *testing.T) {
	db := storetest.Open(t)
	now := time.Now()
	if err := db.Exec(t.Context(), "INSERT INTO metric_series (day, series_id, environment, name) SELECT toDate(now('UTC')), number, 'prod', 'a' FROM numbers(10)"); err != nil {
		t.Fatal(err)
	}
	for since, want := range map[time.Time]int{now.AddDate(0, 0, -1): 10, now.AddDate(0, 0, 2): 0} {
		l := newSeriesLimits(100)
		if err := l.remember(t.Context(), db, now, since); err != nil {
			t.Fatal(err)
		}
		if n := l.counts(now)["prod"]; n != want {
			t.Errorf("%d series since %v, want %d", n, since, want)
		}
	}
}
