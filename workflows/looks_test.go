package workflows_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/workflow"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// What comes while an incident is looked into, and no cause is found, is looked into by the same incident.
func TestIncidentLooksAgainAtWhatCameMeanwhile(t *testing.T) {
	late := complaint("late", investigation.RuleStuckRollout, "back.shop", nil)
	remark := alert("remark", "back.shop", investigation.Info)
	for name, c := range map[string]struct {
		finds []investigation.Verdict
		late  investigation.Trigger
		looks int
		ends  investigation.Verdict
		fails bool // the second time
	}{
		"a cause, the second time":  {[]investigation.Verdict{investigation.NoProblem, investigation.RootCause}, late, 2, investigation.RootCause, false},
		"none, not even then":       {[]investigation.Verdict{investigation.Inconclusive, investigation.Inconclusive, investigation.RootCause}, late, 2, investigation.Inconclusive, false},
		"a cause, at once":          {[]investigation.Verdict{investigation.RootCause, investigation.NoProblem}, late, 1, investigation.RootCause, false},
		"nothing that says more":    {[]investigation.Verdict{investigation.NoProblem, investigation.RootCause}, remark, 1, investigation.NoProblem, false},
		"it fails, the second time": {[]investigation.Verdict{investigation.NoProblem, investigation.RootCause}, late, 2, investigation.NoProblem, true},
		"a deployment":              {[]investigation.Verdict{investigation.NoProblem, investigation.RootCause}, deployment("late", "back.shop"), 1, investigation.NoProblem, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			var requests []investigation.Request
			s.answer(workflows.OpenInvestigationActivity, func(_ context.Context, r investigation.Request) error {
				requests = append(requests, r)
				return nil
			})
			var shown []string
			s.answer(workflows.UpdateIncidentActivity, func(_ context.Context, u workflows.IncidentChange) error {
				shown = append(shown, u.Investigation)
				return nil
			})
			s.workflow(workflows.InvestigationWorkflow, func(ctx workflow.Context, in workflows.InvestigationInput) (workflows.ReportRef, error) {
				err := workflow.Sleep(ctx, 10*time.Second)
				if c.fails && len(requests) == 2 {
					err = errors.New("the store is away")
				}
				return workflows.ReportRef{Investigation: in.ID, Verdict: c.finds[len(requests)-1], Title: in.ID}, err
			})
			s.RegisterDelayedCallback(func() { s.SignalWorkflow(workflows.TriggerSignal, []investigation.Trigger{c.late}) }, 12*time.Second)
			var took []string
			s.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, workflows.ProgressSignal, mock.Anything).
				Return(func(_, _, _, _ string, p any) error {
					took = append(took, p.(workflows.Progress).Took...)
					return nil
				})
			s.ExecuteWorkflow(workflows.Incident, workflows.IncidentInput{Environment: "test", Triggers: []investigation.Trigger{alert("first", "front.shop", investigation.Warning)}})
			var end workflows.IncidentResult
			if err := s.GetWorkflowResult(&end); err != nil {
				t.Fatal(err)
			}
			if len(requests) != c.looks || end.Verdict != c.ends {
				t.Fatalf("looked %d times and found %s, want %d and %s", len(requests), end.Verdict, c.looks, c.ends)
			}
			last := requests[len(requests)-1]
			if c.looks == 2 && (last.ID == requests[0].ID || len(last.Triggers) != 2 || last.Triggers[1].ID != "late") {
				t.Errorf("looked again by %s into %v", last.ID, last.Triggers)
			}
			if c.fails {
				last = requests[0]
			}
			if taken := c.looks == 2 && !c.fails; slices.Contains(took, "late") != taken { // else Intake places it anew
				t.Errorf("took %v", took)
			}
			if end.Title != last.ID || !slices.Contains(shown, last.ID) || shown[len(shown)-1] != last.ID {
				t.Errorf("the incident shows %v and is called %s, want %s", shown, end.Title, last.ID)
			}
		})
	}
}

// Intake places nothing anew that the incident has looked into itself.
func TestIntakeLeavesASecondLookToTheIncident(t *testing.T) {
	d := newDesk(t)
	d.ends["a"], d.phases["a"], d.again["a"] = 30*time.Second, workflows.Closed, 20*time.Second
	d.at(0, alert("a", "front.shop", investigation.Warning, "back.shop"))
	d.at(15*time.Second, complaint("taken", investigation.RuleStuckRollout, "back.shop", nil, "front.shop"))
	d.at(25*time.Second, complaint("missed", investigation.RuleCrashLoop, "back.shop", nil, "front.shop"))
	state := d.run(60 * time.Second)
	if got := d.firsts(); !slices.Equal(got, []string{"a", "missed"}) {
		t.Errorf("started %v, want one of what came during the second look", got)
	}
	if len(state.Open) == 0 || !slices.Contains(state.Open[0].Triggers, "taken") {
		t.Errorf("the incident lost what it looked into: %+v", state.Open)
	}
}
