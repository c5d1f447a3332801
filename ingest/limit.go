package ingest

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/ingest/receive"
)

// defaultMaxSeries is how many series of metrics an environment may have: a set of so many ids takes about 20 MB.
const defaultMaxSeries = 1 << 20

// seriesLimits keeps a label that never repeats from drowning everything: past the limit new series are rejected, and those that are there go on.
// Safe for concurrent use.
type seriesLimits struct {
	environment int64 // series of one, a day
	mu          sync.Mutex
	sets        map[tenant]*seriesSet
}

// tenant is whose series are counted: an environment's or, if it has a limit of its own, a token's.
type tenant struct{ environment, token string }

// seriesSet is the series of one tenant. What it had the day before does not count against the limit until it comes again, and then it is let in:
// who came first stays, up to twice the limit.
type seriesSet struct {
	day           otlp.Day
	today, before map[uint64]struct{}
}

func newSeriesLimits(environment int64) *seriesLimits {
	return &seriesLimits{environment: environment, sets: map[tenant]*seriesSet{}}
}

// of is what a request's rows ask for a series that is not known to be stored. The ingester itself has no limit.
func (l *seriesLimits) of(from *receive.Sender, now time.Time) func(environment string, id uint64) bool {
	if from == nil {
		return nil
	}
	return func(environment string, id uint64) bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		own := from.Series > 0
		if own && !l.set(tenant{token: from.Token}, now).may(id, from.Series) || !l.set(tenant{environment: environment}, now).may(id, l.environment) {
			return false
		}
		if own {
			l.set(tenant{token: from.Token}, now).today[id] = struct{}{}
		}
		l.set(tenant{environment: environment}, now).today[id] = struct{}{}
		return true
	}
}

// forget drops the sets that count nothing any more, of tokens that were revoked and environments that are gone.
func (l *seriesLimits) forget(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.sets, func(_ tenant, s *seriesSet) bool { return s.day+1 < otlp.DayOf(now.UnixNano()) })
}

// set expects the lock.
func (l *seriesLimits) set(of tenant, now time.Time) *seriesSet {
	s := l.sets[of]
	if s == nil {
		s = &seriesSet{day: otlp.DayOf(now.UnixNano()), today: map[uint64]struct{}{}}
		l.sets[of] = s
	}
	switch today := otlp.DayOf(now.UnixNano()); {
	case today == s.day+1:
		s.day, s.before, s.today = today, s.today, map[uint64]struct{}{}
	case today > s.day:
		s.day, s.before, s.today = today, nil, map[uint64]struct{}{}
	}
	return s
}

// maxRemembered bounds what is read at the start, in series of all environments.
const maxRemembered = 4 << 20

// maxRemembering is how long senders wait for that.
const maxRemembering = 10 * time.Second

const rememberSQL = `SELECT DISTINCT environment, series_id, day = toDate(?) FROM metric_series WHERE day >= toDate(?) - 1 AND day >= toDate(?) LIMIT ?`

// remember reads which series environments have, so that a restart does not make new ones of them. Whose token brought them is not kept. Of days
// before since nothing is read: the same series have other ids there, and would count twice.
func (l *seriesLimits) remember(ctx context.Context, db Store, now, since time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, maxRemembering)
	defer cancel()
	today := now.UTC().Format(time.DateOnly)
	found, err := db.Query(ctx, rememberSQL, today, today, since.Format(time.DateOnly), maxRemembered)
	if err != nil {
		return fmt.Errorf("read which series there are: %w", err)
	}
	defer found.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for found.Next() {
		var environment string
		var id uint64
		var isToday uint8
		if err := found.Scan(&environment, &id, &isToday); err != nil {
			return fmt.Errorf("read which series there are: %w", err)
		}
		set := l.set(tenant{environment: environment}, now)
		if set.before == nil {
			set.before = map[uint64]struct{}{}
		}
		if isToday == 1 {
			set.today[id] = struct{}{}
		} else {
			set.before[id] = struct{}{}
		}
	}
	if err := found.Err(); err != nil {
		return fmt.Errorf("read which series there are: %w", err)
	}
	return nil
}

func (s *seriesSet) may(id uint64, limit int64) bool {
	if _, is := s.today[id]; is {
		return true
	}
	if _, was := s.before[id]; was && int64(len(s.today)) < 2*limit {
		return true
	}
	return int64(len(s.today)) < limit
}

// counts returns how many series each environment had today.
func (l *seriesLimits) counts(now time.Time) map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]int{}
	for of := range l.sets {
		if of.token == "" {
			out[of.environment] = len(l.set(of, now).today)
		}
	}
	return out
}
