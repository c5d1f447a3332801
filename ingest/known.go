package ingest

import (
	"context"
	"errors"
	"time"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/ingest/receive"
	"github.com/midwatch/midwatch/internal/store"
)

// How many rows are remembered: of series those of two environments that have as many as they may, about 40 MB. Past it rows are sent again, which the
// store merges.
const (
	maxKnownSeries = 2 * defaultMaxSeries
	maxKnownStacks = 1 << 19
)

// doubtSeries forgets what is stored when the store did not answer: it may come back without its last seconds.
func (s *Server) doubtSeries(err error) {
	if _, answered := errors.AsType[*store.ServerError](err); answered || errors.Is(err, receive.ErrLeft) {
		return
	}
	all := func(otlp.Day) bool { return true }
	s.series.Forget(all)
	s.stacks.Forget(all)
}

// forgetDropped forgets what was dropped.
func (s *Server) forgetDropped(dropped []store.Dropped) {
	known := map[string]*otlp.Known{otlp.SeriesTable: s.series, otlp.StacksTable: s.stacks}
	for _, d := range dropped {
		if k := known[d.Table]; k != nil {
			k.Forget(func(of otlp.Day) bool { return of == otlp.DayOf(d.Day.UnixNano()) })
		}
	}
}

// forgetEvery is how long a day before today's is known: another ingester may drop it, and does not tell.
const forgetEvery = 10 * time.Minute

// forgetPast forgets the days that may be dropped, again and again until ctx ends.
func (s *Server) forgetPast(ctx context.Context) {
	tick := time.NewTicker(forgetEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			s.forgetBefore(now)
			s.limit.forget(now)
		case <-ctx.Done():
			return
		}
	}
}

// forgetBefore forgets the days before a moment's.
func (s *Server) forgetBefore(now time.Time) {
	past := func(of otlp.Day) bool { return of < otlp.DayOf(now.UnixNano()) }
	s.series.Forget(past)
	s.stacks.Forget(past)
}
