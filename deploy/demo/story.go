package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/investigation"
)

// Limits of waiting. They are far above what is expected, and no verdict on it.
const (
	alertLimit    = 3 * time.Minute
	reportLimit   = 3 * time.Minute
	recoveryLimit = 4 * time.Minute
)

// timeline is when what happened.
type timeline struct{ fault, alert, report, approval, recovered time.Time }

// story follows one incident from the fault on.
type story struct {
	say      *Narrator
	client   *client.Client
	at       timeline
	incident string
	inv      wire.InvestigationDetail
	phase    func(Phase)
}

// untilReport waits for the first incident after the fault and follows its investigation turn by turn. An api that does not
// answer is asked again: parts may be restarting.
func (s *story) untilReport(ctx context.Context) (wire.InvestigationDetail, error) {
	err := s.say.waitFor(ctx, "an alert", alertLimit, func() (bool, error) {
		list, err := s.client.Incidents(ctx)
		if err != nil {
			return false, err
		}
		for _, i := range list.Incidents {
			if i.OpenedAt.After(s.at.fault) {
				s.at.alert, s.incident = i.OpenedAt, i.ID
				s.say.Line("%s: %s", i.ID, i.Title)
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		return s.inv, err
	}
	s.phase(Alerted)
	shown := 0
	err = s.say.waitFor(ctx, "the report", reportLimit, func() (bool, error) {
		detail, err := s.client.Incident(ctx, s.incident)
		if err != nil || detail.Investigation == nil {
			return false, err
		}
		if s.inv, err = s.client.Investigation(ctx, detail.Investigation.ID); err != nil {
			return false, err
		}
		for ; shown < len(s.inv.Turns); shown++ {
			s.turn(s.inv.Turns[shown])
		}
		if s.inv.Status == "failed" {
			return false, fatal(fmt.Errorf("investigation %s failed", s.inv.ID))
		}
		s.at.report = s.inv.EndedAt
		return s.inv.Report != nil && !s.inv.EndedAt.IsZero(), nil
	})
	if err == nil {
		s.phase(Reported)
	}
	return s.inv, err
}

func (s *story) turn(t investigation.Turn) {
	s.say.Line("turn %d: %s", t.Number, t.Say)
	for _, call := range t.Calls {
		s.say.Line("    %-18s %s", call.Tool, call.Why)
	}
}

// fix waits until the fix that the report drafts was made exact; its id is empty when none is proposed.
func (s *story) fix(ctx context.Context) (fix investigation.Fix, err error) {
	if s.inv.Report.Fix == nil {
		s.say.Line("Midwatch proposes no fix")
		return fix, nil
	}
	err = s.say.waitFor(ctx, "the fix to be made exact", time.Minute, func() (bool, error) {
		detail, err := s.client.Incident(ctx, s.incident)
		if err != nil || len(detail.Fixes) == 0 {
			return false, err
		}
		fix = detail.Fixes[len(detail.Fixes)-1]
		return fix.Status == "awaiting_approval", nil
	})
	if err == nil {
		s.say.Line("it would run: %s", fix.Content)
	}
	return fix, err
}

// approve approves as a person would, again while the api comes back.
func (s *story) approve(ctx context.Context, fix investigation.Fix) error {
	return s.say.waitFor(ctx, "the approval to be taken", time.Minute, func() (bool, error) {
		_, err := s.client.Approve(ctx, fix.ID, fix.Digest)
		return err == nil, err
	})
}

func (s *story) recovery(ctx context.Context, fix string) error {
	status := ""
	return s.say.waitFor(ctx, "the recovery", recoveryLimit, func() (bool, error) {
		f, err := s.client.Fix(ctx, fix)
		if err != nil {
			return false, err
		}
		if f.Status != status {
			status = f.Status
			s.say.Line("fix: %s %s", strings.ReplaceAll(f.Status, "_", " "), f.Result)
		}
		switch f.Status {
		case "verified":
			s.at.recovered = f.UpdatedAt
			return true, nil
		case "failed", "worse", "expired", "rejected":
			return false, fatal(fmt.Errorf("the fix ended as %s: %s", f.Status, f.Result))
		}
		return false, nil
	})
}
