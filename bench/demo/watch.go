package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/deploy/shop/judge"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
)

const (
	// patience is how long a fault may take to be reported. Past it the run counts as not named.
	patience = 100 * time.Second
	// quiet is how long after the last report another one could still come.
	quiet = 10 * time.Second
)

// sight is what Midwatch has seen since a moment.
type sight struct {
	incidents int
	open      int // investigations that have not ended
	alert     time.Time
	report    time.Time // when the first report that blames somebody, else the first report, was there
	reports   []judge.Report
	ids       []string // of investigations
}

// look reads what happened since a moment.
func (m *midwatch) look(ctx context.Context, since time.Time) (sight, error) {
	var s sight
	list, err := m.Incidents(ctx)
	if err != nil {
		return s, fmt.Errorf("read incidents: %w", err)
	}
	for _, row := range list.Incidents {
		alert := firstAlarm(row.Triggers, since)
		if alert.IsZero() {
			continue
		}
		s.incidents++
		s.alert = earliest(s.alert, alert)
		if err := m.read(ctx, row.Investigation, &s); err != nil {
			return s, err
		}
	}
	return s, nil
}

// firstAlarm is when the first trigger after a moment was raised; an incident that was open before, such as that of a
// deployment that is watched, may have taken it. Zero: there was none.
func firstAlarm(triggers []investigation.Trigger, since time.Time) time.Time {
	var first time.Time
	for _, t := range triggers {
		if !t.At.Before(since) {
			first = earliest(first, t.At)
		}
	}
	return first
}

// read adds one incident's investigation to s.
func (m *midwatch) read(ctx context.Context, id string, s *sight) error {
	if id == "" {
		s.open++
		return nil
	}
	inv, err := m.Investigation(ctx, id)
	if errors.Is(err, client.ErrNotFound) { // the incident names it before it begins
		s.open++
		return nil
	}
	if err != nil {
		return fmt.Errorf("read investigation %s: %w", id, err)
	}
	s.ids = append(s.ids, id)
	if inv.Status == metadata.Running && inv.Report == nil {
		s.open++
	}
	if inv.Report == nil {
		return nil
	}
	s.report = earliest(s.report, inv.EndedAt)
	s.reports = append(s.reports, judge.Report{
		Verdict: string(inv.Report.Verdict), Culprit: string(inv.Report.Culprit),
		Mechanism: string(inv.Report.Mechanism), Confidence: inv.Report.Confidence,
	})
	return nil
}

// earliest ignores times that are not set.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// await watches until every investigation since a moment has ended and a while has passed without another, or patience ends.
func (m *midwatch) await(ctx context.Context, since time.Time) (sight, error) {
	var last sight
	changed := time.Now()
	for time.Since(since) < patience {
		now, err := m.look(ctx, since)
		if err != nil {
			return last, err
		}
		if now.incidents != last.incidents || len(now.reports) != len(last.reports) {
			changed = time.Now()
		}
		last = now
		if len(now.reports) > 0 && now.open == 0 && time.Since(changed) > quiet {
			break
		}
		if err := sleep(ctx, time.Second); err != nil {
			return last, err
		}
	}
	return last, nil
}

// dismiss rejects the fixes that wait, so that nothing of one run reaches into the next.
func (m *midwatch) dismiss(ctx context.Context) error {
	fixes, err := m.Fixes(ctx)
	if err != nil {
		return fmt.Errorf("read fixes: %w", err)
	}
	for _, f := range fixes.Fixes {
		if f.Status != "awaiting_approval" {
			continue
		}
		if _, err := m.Reject(ctx, f.ID, f.Digest, "the benchmark mends the shop itself"); err != nil {
			return fmt.Errorf("reject fix %s: %w", f.ID, err)
		}
	}
	return nil
}

// settle waits until nothing is investigated any more.
func (m *midwatch) settle(ctx context.Context) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		list, err := m.Investigations(ctx)
		if err != nil {
			return fmt.Errorf("read investigations: %w", err)
		}
		busy := false
		for _, i := range list.Investigations {
			busy = busy || i.Status == metadata.Running && i.Verdict == investigation.Verdict("")
		}
		if !busy {
			return nil
		}
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
