package workflows_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// told lets a Remediation run and returns what people were told, each with the minute in which they were.
type told struct {
	event  workflows.Event
	minute time.Duration
}

func (s *stage) listen() *[]told {
	var heard []told
	s.answer(workflows.AnnounceActivity, func(_ context.Context, a workflows.Announcement) error {
		heard = append(heard, told{a.Event, s.Now().Sub(start).Round(time.Minute) / time.Minute})
		return nil
	})
	return &heard
}

func TestRemindersAndEscalation(t *testing.T) {
	cases := map[string]struct {
		remind, escalate, approval time.Duration
		want                       []told
	}{
		"as by default": {15 * time.Minute, time.Hour, 24 * time.Hour, []told{
			{workflows.ApprovalReminder, 15}, {workflows.ApprovalReminder, 30}, {workflows.ApprovalReminder, 45}, {workflows.ApprovalOverdue, 60},
		}},
		"expires before":     {15 * time.Minute, time.Hour, 40 * time.Minute, []told{{workflows.ApprovalReminder, 15}, {workflows.ApprovalReminder, 30}}},
		"no reminder":        {-1, time.Hour, 24 * time.Hour, []told{{workflows.ApprovalOverdue, 60}}},
		"neither":            {-1, -1, 24 * time.Hour, nil},
		"of an older caller": {0, 0, 24 * time.Hour, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			heard := s.listen()
			in := remediation()
			in.Remind, in.Escalate, in.Approval = c.remind, c.escalate, c.approval
			s.ExecuteWorkflow(workflows.Remediation, in)
			var got workflows.RemediationResult
			if err := s.GetWorkflowResult(&got); err != nil || got.Status != workflows.FixExpired || !slices.Equal(*heard, c.want) {
				t.Errorf("%s, told %v, want %v; %v", got.Status, *heard, c.want, err)
			}
			if took := s.Now().Sub(start).Round(time.Minute); took != c.approval {
				t.Errorf("expired after %s", took)
			}
		})
	}
	t.Run("without escalation, not for ever", func(t *testing.T) {
		s := newStage(t)
		heard := s.listen()
		in := remediation()
		in.Remind, in.Escalate, in.Approval = 15*time.Minute, -1, 24*time.Hour
		s.ExecuteWorkflow(workflows.Remediation, in)
		if n := len(*heard); n != 8 {
			t.Errorf("told %d times", n)
		}
	})
}

// TestTwoPeople sends approvals to a Remediation whose apply role wants two, and looks at what it passes on.
func TestTwoPeople(t *testing.T) {
	s := newStage(t)
	heard := s.listen()
	var asked []workflows.ApplyInput
	s.answer(workflows.ApplyFixActivity, func(_ context.Context, in workflows.ApplyInput) (workflows.ApplyResult, error) {
		asked = append(asked, in)
		switch n := in.Approval.Nonce; {
		case n == "ann again":
			return workflows.ApplyResult{Refused: "ann approved it already; another person has to"}, nil
		case n == "bob": // ann's expired meanwhile
			return workflows.ApplyResult{Waiting: "1 of 2 approvals, by bob", Counted: []string{"bob"}}, nil
		case len(in.Earlier) == 0:
			return workflows.ApplyResult{Waiting: "1 of 2 approvals, by ann", Counted: []string{n}}, nil
		}
		return workflows.ApplyResult{Status: workflows.FixApplied, At: s.Now()}, nil
	})
	s.answer(workflows.VerifyRecoveryActivity, func(context.Context, workflows.RecoveryInput) (workflows.Recovery, error) {
		return workflows.Recovery{}, nil
	})
	in := remediation()
	in.Fix.Needed, in.Remind = 2, 10*time.Minute
	for n, nonce := range []string{"ann", "ann again", "bob", "cat"} {
		a := approval("d")
		a.Nonce = nonce
		s.RegisterDelayedCallback(func() { s.SignalWorkflow(workflows.ApprovalSignal, a) }, time.Duration(n+1)*4*time.Minute)
	}
	s.ExecuteWorkflow(workflows.Remediation, in)
	var got workflows.RemediationResult
	if err := s.GetWorkflowResult(&got); err != nil || got.Status != workflows.FixVerified {
		t.Fatalf("%+v, %v", got, err)
	}
	nonces := func(list []investigation.Approval) (n []string) {
		for _, a := range list {
			n = append(n, a.Nonce)
		}
		return n
	}
	for n, want := range [][]string{nil, {"ann"}, {"ann"}, {"bob"}} {
		if got := nonces(asked[n].Earlier); !slices.Equal(got, want) {
			t.Errorf("with %s came %v, want %v", asked[n].Approval.Nonce, got, want)
		}
	}
	want := []told{{workflows.FixDecided, 4}, {workflows.ApprovalReminder, 10}, {workflows.FixDecided, 12}, {workflows.FixCarriedOut, 16}}
	if !slices.Equal(*heard, want) {
		t.Errorf("told %v, want %v", *heard, want)
	}
}
