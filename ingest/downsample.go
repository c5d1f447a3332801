package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/midwatch/midwatch/ingest/otlp"
)

const (
	downsampleEvery = 15 * time.Second
	// downsampleAfter is how long after its end a stretch is looked at: most of what is late is there by then.
	downsampleAfter = 15 * time.Second
	// compareDays are the days that samples may have come for since an ingester before this one had time for them: those of otlp.MaxPast, and of its own end.
	compareDays = int(otlp.MaxPast/(24*time.Hour)) + 2
	// maxStretch bounds what one query makes: 200,000 series take 200 MB of the store's memory.
	maxStretch = 10 * time.Minute
)

// resolution is a table of what is kept of each series for each stretch of time. A row is made of all that the finer table has of that stretch, as
// often as something is added to it; of several rows the one that was made of the most samples is kept. So nothing has to be deleted, and two
// ingesters that make the same rows do no harm.
type resolution struct {
	table  string
	length time.Duration
	finer  string // the table it is made of
	values string // its columns count, min, max, sum, first, last, of the finer table's
	counts string // samples in rows of the finer table
}

func resolutions() []resolution {
	return []resolution{
		{"metric_minutes", time.Minute, otlp.SamplesTable, "count(), min(value), max(value), sum(value), argMin(value, time), argMax(value, time)", "count()"},
		{"metric_ten_minutes", 10 * time.Minute, "metric_minutes FINAL", "sum(count), min(min), max(max), sum(sum), argMin(first, time), argMax(last, time)", "sum(count)"},
	}
}

// stretches is what has to be made, by resolution. Safe for concurrent use.
type stretches struct {
	mu  sync.Mutex
	due map[string]map[int64]struct{} // :: table → stretches since 1970
}

// mark says that something between two times is new to a resolution.
func (s *stretches) mark(r resolution, from, to time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.due == nil {
		s.due = map[string]map[int64]struct{}{}
	}
	if s.due[r.table] == nil {
		s.due[r.table] = map[int64]struct{}{}
	}
	for n := from.UnixNano() / int64(r.length); n <= to.UnixNano()/int64(r.length); n++ {
		s.due[r.table][n] = struct{}{}
	}
}

// take returns what is due and over, joined to pieces of at most maxStretch of one day, and forgets it.
func (s *stretches) take(r resolution, now time.Time) (pieces [][2]time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	over := now.Add(-downsampleAfter).UnixNano() / int64(r.length)
	var list []int64
	for n := range s.due[r.table] {
		if n < over {
			list = append(list, n)
			delete(s.due[r.table], n)
		}
	}
	slices.Sort(list)
	for _, n := range list {
		from := time.Unix(0, n*int64(r.length)).UTC()
		to := from.Add(r.length)
		if i := len(pieces) - 1; i >= 0 && pieces[i][1].Equal(from) && to.Sub(pieces[i][0]) <= maxStretch && from.Truncate(24*time.Hour).Equal(pieces[i][0].Truncate(24*time.Hour)) {
			pieces[i][1] = to
			continue
		}
		pieces = append(pieces, [2]time.Time{from, to})
	}
	return pieces
}

// markSamples says that there may be new samples, in the minutes that they are of: what is made of one is made of the series of all environments.
func (s *Server) markSamples(parts []part) {
	finest := resolutions()[0]
	for _, c := range parts {
		for _, minute := range c.Minutes() {
			s.stretches.mark(finest, minute, minute)
		}
	}
}

// downsample makes what is due until ctx ends. Beside that it looks for what an ingester before did not get to.
func (s *Server) downsample(ctx context.Context) {
	var comparing sync.WaitGroup
	defer comparing.Wait()
	comparing.Go(func() { s.compareAll(ctx) })
	tick := time.NewTicker(downsampleEvery)
	defer tick.Stop()
	for {
		s.warn(ctx, "downsample metrics; trying again", s.downsampleOnce(ctx, time.Now()))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Server) warn(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		s.cfg.Log.Warn(what, "error", err)
	}
}

// downsampleOnce makes what is over by now. What fails stays due, and keeps nothing else from being made unless the store does not answer.
func (s *Server) downsampleOnce(ctx context.Context, now time.Time) (failed error) {
	all := resolutions()
	for i, r := range all {
		pieces := s.stretches.take(r, now)
		for j, p := range pieces {
			err := s.make(ctx, r, piece{p[0], p[1], 1, 0})
			failed = errors.Join(failed, err)
			if _, answered := errors.AsType[*clickhouse.Exception](err); err != nil && !answered {
				for _, left := range pieces[j:] {
					s.stretches.mark(r, left[0], left[1].Add(-time.Nanosecond))
				}
				return failed
			}
			if i+1 < len(all) {
				s.stretches.mark(all[i+1], p[0], p[1].Add(-time.Nanosecond))
			}
		}
	}
	return failed
}

// make makes a piece, by halves where the store has not enough memory or time for the whole. What the store refuses is marked to be made later.
func (s *Server) make(ctx context.Context, r resolution, p piece) error {
	err := s.fill(ctx, r, p)
	refused, ok := errors.AsType[*clickhouse.Exception](err)
	if !ok {
		return err
	}
	if slices.Contains([]proto.Error{proto.ErrMemoryLimitExceeded, proto.ErrTimeoutExceeded, proto.ErrCannotAllocateMemory}, proto.Error(refused.Code)) {
		if first, second, ok := p.halves(r.length); ok {
			return errors.Join(s.make(ctx, r, first), s.make(ctx, r, second))
		}
	}
	s.stretches.mark(r, p.from, p.to.Add(-time.Nanosecond))
	return err
}

// maxShares is into how many pieces the series of one stretch are divided at most.
const maxShares = 16

// piece is what is made by one query: a stretch of time of the series whose ids, divided by shares, leave a remainder.
type piece struct {
	from, to          time.Time
	shares, remainder uint64
}

// halves divides a piece by time, and by series where it is one stretch of a resolution. Not ok: it is as small as can be.
func (p piece) halves(length time.Duration) (first, second piece, ok bool) {
	first, second = p, p
	if n := p.to.Sub(p.from) / length; n > 1 {
		middle := p.from.Add(n / 2 * length)
		first.to, second.from = middle, middle
		return first, second, true
	}
	first.shares, second.shares = 2*p.shares, 2*p.shares
	second.remainder += p.shares
	return first, second, p.shares < maxShares
}

func (s *Server) fill(ctx context.Context, r resolution, p piece) error {
	err := s.cfg.Store.Exec(ctx, fmt.Sprintf(`INSERT INTO %s (series_id, time, count, min, max, sum, first, last)
		SELECT series_id, toStartOfInterval(time, INTERVAL %d SECOND, 'UTC') AS stretch, %s FROM %s
		WHERE time >= @from AND time < @to AND series_id %% %d = %d GROUP BY series_id, stretch`, r.table, int(r.length.Seconds()), r.values, r.finer, p.shares, p.remainder),
		clickhouse.DateNamed("from", p.from, clickhouse.Seconds), clickhouse.DateNamed("to", p.to, clickhouse.Seconds))
	if err != nil {
		return fmt.Errorf("fill %s of %s: %w", r.table, p.from.Format(time.DateTime), err)
	}
	return nil
}

// compareAll compares the days in which an ingester before this one may have left something out, the latest first, until all are compared or ctx ends.
// Those that could not be compared come again after the others.
func (s *Server) compareAll(ctx context.Context) {
	today := time.Now().UTC().Truncate(24 * time.Hour)
	var days []time.Time
	for back := range compareDays {
		days = append(days, today.AddDate(0, 0, -back))
	}
	for rest := downsampleEvery; ; rest = min(2*rest, maxRest) {
		days = slices.DeleteFunc(days, func(day time.Time) bool {
			err := s.compareResolutions(ctx, day)
			s.warn(ctx, "look for samples that are in no downsampled table; trying again", err)
			return err == nil
		})
		if len(days) == 0 {
			return
		}
		select {
		case <-time.After(rest):
		case <-ctx.Done():
			return
		}
	}
}

// compareResolutions marks what a crash kept from being made of a day.
func (s *Server) compareResolutions(ctx context.Context, day time.Time) error {
	for _, r := range resolutions() {
		if err := s.compareDay(ctx, r, day); err != nil {
			return err
		}
	}
	return nil
}

// compareDay marks the stretches of a day that count fewer samples than there are.
func (s *Server) compareDay(ctx context.Context, r resolution, day time.Time) error {
	missing, err := s.times(ctx, fmt.Sprintf(`SELECT toDateTime(stretch, 'UTC') FROM (
			SELECT toStartOfInterval(time, INTERVAL %d SECOND, 'UTC') AS stretch, toInt64(%s) AS n FROM %s WHERE toDate(time) = toDate(@day) GROUP BY stretch
			UNION ALL SELECT toDateTime64(time, 9, 'UTC') AS stretch, -toInt64(sum(count)) AS n FROM %s FINAL WHERE toDate(time) = toDate(@day) GROUP BY stretch)
		GROUP BY stretch HAVING sum(n) > 0 ORDER BY stretch`, int(r.length.Seconds()), r.counts, r.finer, r.table),
		clickhouse.DateNamed("day", day, clickhouse.Seconds))
	if err != nil {
		return fmt.Errorf("compare %s with %s of %s: %w", r.table, r.finer, day.Format(time.DateOnly), err)
	}
	for _, at := range missing {
		s.stretches.mark(r, at, at)
	}
	return nil
}

// times are the rows of a query of one column.
func (s *Server) times(ctx context.Context, query string, args ...any) (out []time.Time, err error) {
	rows, err := s.cfg.Store.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var at time.Time
		if err := rows.Scan(&at); err != nil {
			return nil, err
		}
		out = append(out, at)
	}
	return out, rows.Err()
}
