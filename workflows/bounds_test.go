package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// payload is what Temporal takes at once, with room for what is around it.
const payload = 1 << 20

// large is a trigger that is as large as one may be, and one that is larger.
func large(id string, severity investigation.Severity) investigation.Trigger {
	t := alert(id, "till", severity)
	t.Attributes = map[string]string{"label.pod": strings.Repeat("<", 2*investigation.MaxTrigger)}
	return t
}

func sizeOf(t *testing.T, v any) int {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return len(b)
}

// TestIntakeBoundsAGroup: a thousand of the largest triggers start one incident with those that say most.
func TestIntakeBoundsAGroup(t *testing.T) {
	d := newDesk(t)
	for n := 0; n < 1000; n += 100 {
		var ts []investigation.Trigger
		for i := n; i < n+100; i++ {
			severity := investigation.Warning
			if i == 950 {
				severity = investigation.Critical
			}
			ts = append(ts, large(fmt.Sprintf("large-%03d", i), severity).Bounded())
		}
		d.at(time.Duration(n)*time.Millisecond, ts...)
	}
	state := d.run(20 * time.Second)
	if len(d.started) != 1 {
		t.Fatalf("started %d, %v", len(d.started), d.GetWorkflowError())
	}
	in := d.started[0]
	if n := sizeOf(t, in); n > payload {
		t.Errorf("the incident starts with %d bytes", n)
	}
	severe := 0
	for _, got := range in.Triggers {
		if got.Severity == investigation.Critical {
			severe++
		}
	}
	if kept := len(in.Triggers); kept < 100 || kept+in.Dropped != 1000 || state.Dropped != in.Dropped || severe != 1 || in.Triggers[0].ID != "large-000" {
		t.Errorf("kept %d from %s on, %d of them severe; dropped %d, in all %d", kept, in.Triggers[0].ID, severe, in.Dropped, state.Dropped)
	}
}

// TestIntakeCarriesOverWhatFits: whatever is remembered and waits, the next run can be started.
func TestIntakeCarriesOverWhatFits(t *testing.T) {
	s := newStage(t)
	var state workflows.IntakeState
	for n := range 20 {
		name := fmt.Sprintf("service-%d-%s", n, strings.Repeat("x", 100))
		group := workflows.Group{Services: []string{name}, Since: start}
		open := workflows.OpenIncident{Workflow: name, Phase: workflows.Investigating, Started: start, LastSeen: start}
		for i := range 20 {
			of := large(fmt.Sprintf("%s-%d", name, i), investigation.Critical).Bounded()
			group.Triggers, open.Late = append(group.Triggers, of), append(open.Late, of)
			open.Triggers = append(open.Triggers, of.ID)
			state.Seen = append(state.Seen, workflows.SeenTrigger{ID: of.ID, At: start})
		}
		state.Pending, state.Open = append(state.Pending, group), append(state.Open, open)
	}
	s.SetContinueAsNewSuggested(true)
	s.ExecuteWorkflow(workflows.Intake, workflows.IntakeInput{Environment: "test", State: state})
	var again *workflow.ContinueAsNewError
	if err := s.GetWorkflowError(); !errors.As(err, &again) {
		t.Fatal(err)
	}
	var in workflows.IntakeInput
	if err := json.Unmarshal(again.Input.GetPayloads()[0].GetData(), &in); err != nil {
		t.Fatal(err)
	}
	triggers := 0
	for _, g := range in.State.Pending {
		triggers += len(g.Triggers)
	}
	if n := sizeOf(t, in); n > payload+1000 || triggers < 100 || triggers+in.State.Dropped != 20*20 || len(in.State.Open) == 0 {
		t.Errorf("carries over %d bytes: %d triggers, %d open; %d dropped", n, triggers, len(in.State.Open), in.State.Dropped)
	}
}

// TestIntakePassesOnSoMuch: an alarm that flaps for days does not fill an incident's history.
func TestIntakePassesOnSoMuch(t *testing.T) {
	d := newDesk(t)
	d.at(0, alert("a", "till", investigation.Critical))
	for n := range 400 {
		d.at(time.Duration(n+5)*time.Second, alert(fmt.Sprint("flap-", n), "till", investigation.Warning))
	}
	state := d.run(500 * time.Second)
	if len(d.started) != 1 || len(d.passed) != 300 || state.Dropped != 100 {
		t.Errorf("started %d, passed on %d times, dropped %d", len(d.started), len(d.passed), state.Dropped)
	}
}

// TestIncidentCountsWhatIsTooMuch: thousands of late triggers while a fix awaits approval cost few activities.
func TestIncidentCountsWhatIsTooMuch(t *testing.T) {
	for name, c := range map[string]struct{ signals, each, most int }{
		"large signals": {100, 60, 30},
		"small signals": {900, 1, 202},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.workflow(workflows.InvestigationWorkflow, func(workflow.Context, workflows.InvestigationInput) (workflows.ReportRef, error) {
				return workflows.ReportRef{Verdict: investigation.RootCause, HasFix: true}, nil
			})
			s.workflow(workflows.RemediationWorkflow, workflows.Remediation)
			s.answer(workflows.PrepareFixActivity, func(context.Context, string) (workflows.FixRef, error) {
				return workflows.FixRef{ID: "fix-1", Digest: "d"}, nil
			})
			kept, dropped := 0, 0
			s.answer(workflows.JoinTriggerActivity, func(_ context.Context, in workflows.JoinInput) error {
				kept += len(in.Triggers)
				dropped = in.Dropped
				return nil
			})
			s.withoutIntake()
			for i := range c.signals {
				s.RegisterDelayedCallback(func() {
					var ts []investigation.Trigger
					for n := range c.each {
						ts = append(ts, alert(fmt.Sprintf("late-%d-%d", i, n), "till", investigation.Warning))
					}
					s.SignalWorkflow(workflows.TriggerSignal, ts)
				}, time.Duration(i+1)*time.Minute)
			}
			s.ExecuteWorkflow(workflows.Incident, workflows.IncidentInput{Environment: "test", Triggers: []investigation.Trigger{alert("a", "till", investigation.Critical)}})
			if n := s.count(workflows.JoinTriggerActivity); s.GetWorkflowError() != nil || n > c.most || kept == 0 || kept+dropped != c.signals*c.each {
				t.Errorf("%d activities, kept %d, dropped %d; %v", n, kept, dropped, s.GetWorkflowError())
			}
		})
	}
}

// TestRemediationEndsWhenItsAnnouncementsAreDelivered: what is still tried when a workflow ends is lost.
func TestRemediationEndsWhenItsAnnouncementsAreDelivered(t *testing.T) {
	s := newStage(t)
	away, told := 12, map[workflows.Event]int{}
	s.answer(workflows.AnnounceActivity, func(_ context.Context, a workflows.Announcement) error {
		if away--; away >= 0 {
			return errors.New("the webhook is away for a minute")
		}
		told[a.Event]++
		return nil
	})
	s.answer(workflows.ApplyFixActivity, func(context.Context, workflows.ApplyInput) (workflows.ApplyResult, error) {
		return workflows.ApplyResult{Status: workflows.FixApplied, At: s.Now()}, nil
	})
	s.answer(workflows.VerifyRecoveryActivity, func(context.Context, workflows.RecoveryInput) (workflows.Recovery, error) {
		return workflows.Recovery{}, nil
	})
	s.RegisterDelayedCallback(func() { s.SignalWorkflow(workflows.ApprovalSignal, approval("d")) }, time.Second)
	s.ExecuteWorkflow(workflows.Remediation, remediation())
	if err := s.GetWorkflowError(); err != nil || told[workflows.FixCarriedOut] != 1 {
		t.Errorf("told %v, %v", told, err)
	}
}

// TestIncidentEndsBeforePeopleAreTold: that whoever tells people is away holds nothing up but that, and what is
// to be told is told all the same.
func TestIncidentEndsBeforePeopleAreTold(t *testing.T) {
	s := newStage(t)
	back := start.Add(100 * time.Second)
	told := map[workflows.Event]int{}
	s.answer(workflows.AnnounceActivity, func(_ context.Context, a workflows.Announcement) error {
		if s.Now().Before(back) {
			return errors.New("the webhook is away")
		}
		told[a.Event]++
		return nil
	})
	var resolved time.Time
	s.answer(workflows.UpdateIncidentActivity, func(_ context.Context, c workflows.IncidentChange) error {
		if c.Status == workflows.Resolved {
			resolved = s.Now()
		}
		return nil
	})
	s.workflow(workflows.InvestigationWorkflow, func(workflow.Context, workflows.InvestigationInput) (workflows.ReportRef, error) {
		return workflows.ReportRef{Verdict: investigation.RootCause, Title: "it is the till", HasFix: true}, nil
	})
	s.workflow(workflows.RemediationWorkflow, workflows.Remediation)
	in := remediation()
	s.answer(workflows.PrepareFixActivity, func(context.Context, string) (workflows.FixRef, error) { return in.Fix, nil })
	s.answer(workflows.ApplyFixActivity, func(context.Context, workflows.ApplyInput) (workflows.ApplyResult, error) {
		return workflows.ApplyResult{Status: workflows.FixApplied, At: s.Now()}, nil
	})
	s.answer(workflows.VerifyRecoveryActivity, func(context.Context, workflows.RecoveryInput) (workflows.Recovery, error) {
		return workflows.Recovery{}, nil
	})
	s.RegisterDelayedCallback(func() {
		if err := s.SignalWorkflowByID(workflows.RemediationWorkflowID("test", in.Fix.ID), workflows.ApprovalSignal, approval("d")); err != nil {
			t.Error(err)
		}
	}, 30*time.Second)
	s.OnSignalExternalWorkflow(mock.Anything, workflows.IntakeID("test"), mock.Anything, mock.Anything, mock.Anything).Return(errors.New("no such workflow"))
	s.ExecuteWorkflow(workflows.Incident, workflows.IncidentInput{Environment: "test", Triggers: []investigation.Trigger{alert("a", "till", investigation.Critical)}})
	var got workflows.IncidentResult
	if err := s.GetWorkflowResult(&got); err != nil || got.Status != workflows.Resolved {
		t.Fatalf("%+v, %v", got, err)
	}
	if after := resolved.Sub(start); after < 45*time.Second || after > time.Minute {
		t.Errorf("resolved after %s", after)
	}
	if told[workflows.RecoveryVerified] != 1 {
		t.Errorf("told %v", told)
	}
}

// TestCancelledRemediationDoesNotWaitForEver: nobody can approve a fix whose workflow is gone, and the store says so.
func TestCancelledRemediationDoesNotWaitForEver(t *testing.T) {
	s := newStage(t)
	var got workflows.FixChange
	s.answer(workflows.UpdateFixActivity, func(_ context.Context, c workflows.FixChange) error { got = c; return nil })
	s.RegisterDelayedCallback(s.CancelWorkflow, time.Minute)
	s.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: "remediation", TaskQueue: workflows.OrchestrateQueue})
	s.ExecuteWorkflow(workflows.Remediation, remediation())
	if got.Status != workflows.FixExpired || !strings.HasPrefix(got.Result, "Cancelled") {
		t.Errorf("the fix is %+v", got)
	}
}
