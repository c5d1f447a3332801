package ingest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/midwatch/midwatch/ingest/otlp"
)

const (
	reconcileEvery = 10 * time.Second
	reconcileStart = time.Hour // how far back the first comparison goes: the process before may have left anything
)

// dirty is the stretch of time in which something derived from the rows may be missing. Safe for concurrent use.
type dirty struct {
	mu       sync.Mutex
	from, to time.Time // both zero: clean
}

func (d *dirty) mark(from, to time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.from.IsZero() || from.Before(d.from) {
		d.from = from
	}
	if to.After(d.to) {
		d.to = to
	}
}

// take returns the dirty minutes before now's, which nobody adds to any more, and forgets them. Whoever takes them marks them again if they are still
// not right: what is marked meanwhile stays.
func (d *dirty) take(now time.Time) (from, to time.Time, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.from.IsZero() {
		return from, to, false
	}
	from, to = d.from.Truncate(time.Minute), d.to.Truncate(time.Minute).Add(time.Minute)
	if current := now.Truncate(time.Minute); to.After(current) {
		to = current
	}
	switch {
	case !from.Before(to):
		return from, to, false
	case d.to.Before(to):
		d.from, d.to = time.Time{}, time.Time{}
	default:
		d.from = to
	}
	return from, to, true
}

// past is whole minutes from before the start: an ingester that died may have known of something wrong in them.
type past struct {
	from, to time.Time
	repairs  int       // so far
	failures int       // of comparing it, so far
	rest     time.Time // until then it is let alone
}

// pastOf is the days that requests may have been of before an ingester started, the latest first.
func pastOf(started time.Time) (days []past) {
	for to := started.Truncate(time.Minute); to.After(started.Add(-otlp.MaxPast)); to = to.Add(-24 * time.Hour) {
		days = append(days, past{from: to.Add(-24 * time.Hour), to: to})
	}
	return days
}

// reconcile compares and repairs what is dirty until ctx ends, and beside that the days before the start.
func (s *Server) reconcile(ctx context.Context) {
	tick := time.NewTicker(reconcileEvery)
	defer tick.Stop()
	for days := pastOf(time.Now()); ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		const what = "compare rollups with what they are of; trying again"
		s.warn(ctx, what, s.reconcileOnce(ctx, time.Now()))
		var err error
		days, err = s.reconcilePast(ctx, days, time.Now())
		s.warn(ctx, what, err)
	}
}

// reconcilePast compares the first of some days, and returns those that are left: one that was repaired is looked at again, because another ingester
// may have done the same at the same moment, and so is one that could not be compared, after the others.
func (s *Server) reconcilePast(ctx context.Context, days []past, now time.Time) ([]past, error) {
	i := slices.IndexFunc(days, func(d past) bool { return !now.Before(d.rest) })
	if i < 0 {
		return days, nil
	}
	d := days[i]
	days = slices.Delete(days, i, i+1)
	repaired, err := s.repair(ctx, d.from, d.to)
	switch {
	case err != nil:
		d.failures++
		d.rest = now.Add(min(reconcileEvery<<min(d.failures, 10), maxRest))
	case repaired == 0:
		return days, nil
	default:
		if d.repairs++; d.repairs == maxRepairs {
			s.giveUp(d.from, d.to, repaired)
			return days, nil
		}
	}
	return append(days, d), err
}

// maxRest is for how long at most a day is let alone that could not be compared.
const maxRest = 10 * time.Minute

// maxRepairs is how often a stretch is repaired before it is left alone: what is wrong every time is not wrong because of an insert.
const maxRepairs = 5

// reconcileOnce compares what is dirty. What had to be repaired is looked at again the next time, because another ingester may have done the same at
// the same moment.
func (s *Server) reconcileOnce(ctx context.Context, now time.Time) error {
	from, to, ok := s.dirty.take(now)
	if !ok {
		return nil
	}
	repaired, err := s.repair(ctx, from, to)
	if err == nil && repaired == 0 {
		s.repairs = 0
		return nil
	}
	if err == nil {
		s.repairs++
	}
	if s.repairs == maxRepairs {
		s.repairs = 0
		s.giveUp(from, to, repaired)
		return nil
	}
	s.dirty.mark(from, to.Add(-1))
	return err
}

func (s *Server) giveUp(from, to time.Time, repaired int) {
	s.cfg.Log.Error("rollups are wrong however often they are made again", "from", from, "to", to, "repaired", repaired)
}
