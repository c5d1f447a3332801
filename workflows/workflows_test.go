package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// start is the clock of every test here.
var start = time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)

// stage runs one workflow with activities that are functions of the test. What is not set answers with nothing.
type stage struct {
	*testsuite.TestWorkflowEnvironment
	t     *testing.T
	calls []string // names of activities, in the order they ran

	answering sync.Mutex
}

func newStage(t *testing.T) *stage {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	s := &stage{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t}
	s.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute}) // a busy machine is no deadlock
	s.SetStartTime(start)
	s.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		s.calls = append(s.calls, info.ActivityType.Name)
	})
	for _, name := range []string{
		workflows.OpenIncidentActivity, workflows.JoinTriggerActivity, workflows.UpdateIncidentActivity, workflows.OpenInvestigationActivity,
		workflows.EndInvestigationActivity, workflows.UpdateFixActivity, workflows.AuditRefusedActivity, workflows.AnnounceActivity,
	} {
		s.answer(name, func(context.Context, any) error { return nil })
	}
	s.answer(workflows.StillFitsActivity, func(context.Context, workflows.DeployedInput) (string, error) { return "", nil })
	return s
}

// answer makes f the activity of that name; the last one counts.
// answer has the function stand for an activity. One answers at a time, so that what a test keeps needs no lock.
func (s *stage) answer(name string, f any) {
	one := reflect.MakeFunc(reflect.TypeOf(f), func(in []reflect.Value) []reflect.Value {
		s.answering.Lock()
		defer s.answering.Unlock()
		return reflect.ValueOf(f).Call(in)
	}).Interface()
	s.RegisterActivityWithOptions(one, activity.RegisterOptions{Name: name, DisableAlreadyRegisteredCheck: true})
}

func (s *stage) workflow(name string, f any) {
	s.RegisterWorkflowWithOptions(f, workflow.RegisterOptions{Name: name})
}

// withoutIntake lets a workflow report to an Intake that is not there. No activity can be registered after it.
func (s *stage) withoutIntake() {
	s.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(errors.New("no such workflow"))
}

func (s *stage) count(name string) int {
	n := 0
	for _, c := range s.calls {
		if c == name {
			n++
		}
	}
	return n
}

func alert(id, service string, severity investigation.Severity, peers ...string) investigation.Trigger {
	return investigation.Trigger{
		ID: id, Kind: investigation.Alert, Service: service, Peers: peers, Calls: peers, Severity: severity, Summary: id, Onset: start.Add(-20 * time.Second), At: start,
	}
}

func investigationInput() workflows.InvestigationInput {
	return workflows.InvestigationInput{ID: "inv-1", Environment: "test", Budget: investigation.Budget{Turns: 3, Wall: time.Minute}}
}

func TestInvestigationRetriesAFailedStepOnce(t *testing.T) {
	for failures, ok := range map[int]bool{0: true, 1: true, 2: false} {
		t.Run(fmt.Sprint(failures), func(t *testing.T) {
			s := newStage(t)
			left := failures
			s.answer(workflows.AnalystStepActivity, func(context.Context, workflows.StepInput) (workflows.StepRef, error) {
				if left--; left >= 0 {
					return workflows.StepRef{}, temporal.NewNonRetryableApplicationError("it did nothing", workflows.StepFailedError, nil)
				}
				return workflows.StepRef{Concludes: true}, nil
			})
			s.answer(workflows.VerifyReportActivity, func(context.Context, workflows.VerifyInput) (workflows.ReportRef, error) {
				return workflows.ReportRef{Verdict: investigation.NoProblem}, nil
			})
			s.ExecuteWorkflow(workflows.Investigation, investigationInput())
			if err := s.GetWorkflowError(); (err == nil) != ok {
				t.Errorf("error %v, want success %v", err, ok)
			}
			if ended := s.count(workflows.EndInvestigationActivity); (ended == 1) == ok {
				t.Errorf("marked as failed %d times", ended)
			}
		})
	}
}

func TestInvestigationWithoutWallsFailsAtOnce(t *testing.T) {
	s := newStage(t)
	s.answer(workflows.AnalystStepActivity, func(context.Context, workflows.StepInput) (workflows.StepRef, error) {
		return workflows.StepRef{}, temporal.NewNonRetryableApplicationError("no user namespaces", workflows.RefusedError, nil)
	})
	s.ExecuteWorkflow(workflows.Investigation, investigationInput())
	if s.GetWorkflowError() == nil || s.count(workflows.AnalystStepActivity) != 1 {
		t.Errorf("error %v after %d steps", s.GetWorkflowError(), s.count(workflows.AnalystStepActivity))
	}
}

func TestInvestigationWithdrawsToolsOnTheLastTurn(t *testing.T) {
	cases := map[string]struct {
		budget   investigation.Budget
		thinking time.Duration
		turns    int
	}{
		"turns": {investigation.Budget{Turns: 3, Wall: time.Hour}, 0, 3},
		"wall":  {investigation.Budget{Turns: 100, Wall: time.Minute}, 25 * time.Second, 4},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.answer(workflows.VerifyReportActivity, func(context.Context, workflows.VerifyInput) (workflows.ReportRef, error) {
				return workflows.ReportRef{}, nil
			})
			s.answer("look", func(context.Context, workflows.CallInput) (workflows.EvidenceRef, error) {
				return workflows.EvidenceRef{}, nil
			})
			var last int
			s.answer(workflows.AnalystStepActivity, func(context.Context, workflows.StepInput) (workflows.StepRef, error) {
				return workflows.StepRef{}, errors.New("stands in for the slow one below")
			})
			s.OnActivity(workflows.AnalystStepActivity, mock.Anything, mock.Anything).After(c.thinking).Return(func(_ context.Context, in workflows.StepInput) (workflows.StepRef, error) {
				if in.LastTurn {
					last = in.Turn
					return workflows.StepRef{Concludes: true}, nil
				}
				return workflows.StepRef{Calls: []workflows.CallRef{{ID: fmt.Sprintf("t%dc1", in.Turn), Tool: "look", Digest: fmt.Sprint(in.Turn)}}}, nil
			})
			s.ExecuteWorkflow(workflows.Investigation, workflows.InvestigationInput{ID: "inv-1", Budget: c.budget})
			if err := s.GetWorkflowError(); err != nil || last != c.turns {
				t.Errorf("tools withdrawn on turn %d, want %d; %v", last, c.turns, err)
			}
		})
	}
}

func TestInvestigationMarksWhatCouldNotBeControlled(t *testing.T) {
	s := newStage(t)
	s.answer(workflows.AnalystStepActivity, func(context.Context, workflows.StepInput) (workflows.StepRef, error) {
		return workflows.StepRef{Concludes: true, Cited: []string{"e1", "e2"}}, nil
	})
	s.answer(workflows.ControlEvidenceActivity, func(_ context.Context, in workflows.ControlInput) (workflows.EvidenceRef, error) {
		if in.Evidence == "e2" {
			return workflows.EvidenceRef{}, errors.New("store is down")
		}
		return workflows.EvidenceRef{}, nil
	})
	var got []string
	s.answer(workflows.VerifyReportActivity, func(_ context.Context, in workflows.VerifyInput) (workflows.ReportRef, error) {
		got = in.Uncontrolled
		return workflows.ReportRef{}, nil
	})
	s.ExecuteWorkflow(workflows.Investigation, investigationInput())
	if !slices.Equal(got, []string{"e2"}) {
		t.Errorf("uncontrolled: %v", got)
	}
}

func remediation() workflows.RemediationInput {
	return workflows.RemediationInput{
		Environment: "test", Approval: time.Hour, Recovery: time.Minute,
		Fix: workflows.FixRef{ID: "fix-1", Incident: "inc-1", Digest: "d", Target: "service/a", Content: "restart a"},
	}
}

func approval(digest string) investigation.Approval {
	return investigation.Approval{Environment: "test", Incident: "inc-1", Fix: "fix-1", Digest: digest, Target: "service/a", Approver: "ann", Approved: true}
}

func TestRemediation(t *testing.T) {
	fires := workflows.Recovery{Firing: []string{"still"}, Summary: "still"}
	worse := workflows.Recovery{New: []string{"and now this"}, Summary: "and now this"}
	cases := map[string]struct {
		signals []investigation.Approval
		apply   workflows.ApplyResult
		seen    []workflows.Recovery // answers in turn, the last one for ever
		status  string
		applies int
		audited int
	}{
		"expires":                 {status: workflows.FixExpired},
		"other digest, expires":   {signals: []investigation.Approval{approval("x")}, status: workflows.FixExpired, audited: 1},
		"refused by apply":        {signals: []investigation.Approval{approval("d")}, apply: workflows.ApplyResult{Refused: "spent"}, status: workflows.FixExpired, applies: 1},
		"rejected":                {signals: []investigation.Approval{approval("d")}, apply: workflows.ApplyResult{Status: workflows.FixRejected}, status: workflows.FixRejected, applies: 1},
		"fails":                   {signals: []investigation.Approval{approval("d")}, apply: workflows.ApplyResult{Status: workflows.FixFailed}, status: workflows.FixFailed, applies: 1},
		"recovers":                {signals: []investigation.Approval{approval("x"), approval("d"), approval("d")}, apply: workflows.ApplyResult{Status: workflows.FixApplied}, seen: []workflows.Recovery{fires, {}}, status: workflows.FixVerified, applies: 1, audited: 1},
		"does not recover":        {signals: []investigation.Approval{approval("d")}, apply: workflows.ApplyResult{Status: workflows.FixApplied}, seen: []workflows.Recovery{fires}, status: workflows.FixWorse, applies: 1},
		"gets worse":              {signals: []investigation.Approval{approval("d")}, apply: workflows.ApplyResult{Status: workflows.FixApplied}, seen: []workflows.Recovery{{}, {}, worse}, status: workflows.FixWorse, applies: 1},
		"quiet for a moment only": {signals: []investigation.Approval{approval("d")}, apply: workflows.ApplyResult{Status: workflows.FixApplied}, seen: []workflows.Recovery{{}, {}, fires, {}, {}, fires}, status: workflows.FixWorse, applies: 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.answer(workflows.ApplyFixActivity, func(context.Context, workflows.ApplyInput) (workflows.ApplyResult, error) {
				c.apply.At = s.Now()
				return c.apply, nil
			})
			looks := 0
			s.answer(workflows.VerifyRecoveryActivity, func(context.Context, workflows.RecoveryInput) (workflows.Recovery, error) {
				looks++
				return c.seen[min(looks, len(c.seen))-1], nil
			})
			for n, a := range c.signals {
				s.RegisterDelayedCallback(func() { s.SignalWorkflow(workflows.ApprovalSignal, a) }, time.Duration(n+1)*time.Second)
			}
			s.ExecuteWorkflow(workflows.Remediation, remediation())
			var got workflows.RemediationResult
			if err := s.GetWorkflowResult(&got); err != nil || got.Status != c.status {
				t.Errorf("ends %s (%s), want %s; %v", got.Status, got.Summary, c.status, err)
			}
			if n := s.count(workflows.ApplyFixActivity); n != c.applies {
				t.Errorf("apply asked %d times, want %d", n, c.applies)
			}
			if n := s.count(workflows.AuditRefusedActivity); n != c.audited {
				t.Errorf("audited %d refusals, want %d", n, c.audited)
			}
		})
	}
}

// An approval that comes late must not take back what was deployed while the fix waited.
func TestAFixThatFitsNoMoreIsNotApplied(t *testing.T) {
	for name, c := range map[string]struct {
		why     string
		err     error
		status  string
		audited int
	}{
		"deployed since": {why: "executable of till changed", status: workflows.FixFailed},
		"nobody can tell": {
			err: temporal.NewNonRetryableApplicationError("the store is away", "Refused", nil), status: workflows.FixExpired, audited: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.answer(workflows.ApplyFixActivity, func(context.Context, workflows.ApplyInput) (workflows.ApplyResult, error) {
				return workflows.ApplyResult{Status: workflows.FixApplied, At: s.Now()}, nil
			})
			s.answer(workflows.StillFitsActivity, func(context.Context, workflows.DeployedInput) (string, error) { return c.why, c.err })
			s.RegisterDelayedCallback(func() { s.SignalWorkflow(workflows.ApprovalSignal, approval("d")) }, time.Second)
			s.ExecuteWorkflow(workflows.Remediation, remediation())
			var got workflows.RemediationResult
			if err := s.GetWorkflowResult(&got); err != nil || got.Status != c.status || !strings.Contains(got.Summary, c.why) {
				t.Errorf("ends %s (%s), want %s; %v", got.Status, got.Summary, c.status, err)
			}
			if n := s.count(workflows.ApplyFixActivity); n != 0 {
				t.Errorf("applied %d times", n)
			}
			if n := s.count(workflows.AuditRefusedActivity); n != c.audited {
				t.Errorf("audited %d refusals, want %d", n, c.audited)
			}
		})
	}
}

func TestIncidentWindows(t *testing.T) {
	s := newStage(t)
	var req investigation.Request
	s.answer(workflows.OpenInvestigationActivity, func(_ context.Context, r investigation.Request) error { req = r; return nil })
	s.workflow(workflows.InvestigationWorkflow, func(workflow.Context, workflows.InvestigationInput) (workflows.ReportRef, error) {
		return workflows.ReportRef{Verdict: investigation.Inconclusive, Title: "who knows"}, nil
	})
	earlier := alert("dependant", "b", investigation.Critical)
	earlier.Onset = start.Add(-time.Minute)
	s.RegisterDelayedCallback(func() { s.SignalWorkflow(workflows.TriggerSignal, []investigation.Trigger{earlier}) }, 2*time.Second)
	s.withoutIntake()
	s.ExecuteWorkflow(workflows.Incident, workflows.IncidentInput{Environment: "test", Triggers: []investigation.Trigger{alert("first", "a", investigation.Warning)}})
	var got workflows.IncidentResult
	if err := s.GetWorkflowResult(&got); err != nil || got.Status != workflows.Closed {
		t.Fatalf("%+v, %v", got, err)
	}
	from := earlier.Onset.Add(-15 * time.Second)
	if !req.Fault.From.Equal(from) || !req.Healthy.To.Equal(from) || !req.Healthy.From.Equal(from.Add(-10*time.Minute)) {
		t.Errorf("windows: %+v %+v", req.Fault, req.Healthy)
	}
	if waited := req.Fault.To.Sub(start); waited < 6*time.Second || waited > 8*time.Second {
		t.Errorf("investigated %s after the first trigger", waited)
	}
	if len(req.Triggers) != 2 {
		t.Errorf("%d triggers", len(req.Triggers))
	}
}

// TestIncidentWindowsOfAQuestion: what a person asks about begins and ends when they say.
func TestIncidentWindowsOfAQuestion(t *testing.T) {
	s := newStage(t)
	var req investigation.Request
	s.answer(workflows.OpenInvestigationActivity, func(_ context.Context, r investigation.Request) error { req = r; return nil })
	s.workflow(workflows.InvestigationWorkflow, func(workflow.Context, workflows.InvestigationInput) (workflows.ReportRef, error) {
		return workflows.ReportRef{Verdict: investigation.Inconclusive, Title: "who knows"}, nil
	})
	s.withoutIntake()
	from, to := start.Add(-5*time.Hour), start.Add(-4*time.Hour)
	s.ExecuteWorkflow(workflows.Incident, workflows.IncidentInput{Environment: "test", Triggers: []investigation.Trigger{{
		ID: "manual-1", Kind: investigation.Manual, Summary: "why?", Onset: from, At: start,
		Attributes: map[string]string{workflows.UntilAttribute: to.Format(time.RFC3339)},
	}}})
	if err := s.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	if begins := from.Add(-15 * time.Second); !req.Fault.From.Equal(begins) || !req.Fault.To.Equal(to) || !req.Healthy.To.Equal(begins) || req.Question != "why?" {
		t.Errorf("windows: %+v %+v", req.Fault, req.Healthy)
	}
}

// TestIncidentWindowsStandStill: that nobody worked for a minute says nothing about when it broke.
func TestIncidentWindowsStandStill(t *testing.T) {
	s := newStage(t)
	away := 12
	s.answer(workflows.OpenIncidentActivity, func(context.Context, investigation.Incident) error {
		if away--; away > 0 {
			return errors.New("the store is away")
		}
		return nil
	})
	var req investigation.Request
	s.answer(workflows.OpenInvestigationActivity, func(_ context.Context, r investigation.Request) error { req = r; return nil })
	began := time.Time{}
	s.workflow(workflows.InvestigationWorkflow, func(ctx workflow.Context, _ workflows.InvestigationInput) (workflows.ReportRef, error) {
		began = workflow.Now(ctx)
		return workflows.ReportRef{Verdict: investigation.Inconclusive, Title: "who knows"}, nil
	})
	s.withoutIntake()
	s.ExecuteWorkflow(workflows.Incident, workflows.IncidentInput{Environment: "test", Triggers: []investigation.Trigger{alert("first", "a", investigation.Warning)}})
	if err := s.GetWorkflowError(); err != nil || began.Sub(start) < 30*time.Second {
		t.Fatalf("investigated %s after the trigger, %v", began.Sub(start), err)
	}
	if want := start.Add(8 * time.Second); !req.Fault.To.Equal(want) { // debounce and settle
		t.Errorf("looked at until %s, want %s", req.Fault.To, want)
	}
}

// TestIncidentWindowsOfADeploymentThatWasWell: the alarm says when it broke, not the deployment minutes before.
func TestIncidentWindowsOfADeploymentThatWasWell(t *testing.T) {
	s := newStage(t)
	var req investigation.Request
	s.answer(workflows.OpenInvestigationActivity, func(_ context.Context, r investigation.Request) error { req = r; return nil })
	s.workflow(workflows.InvestigationWorkflow, func(workflow.Context, workflows.InvestigationInput) (workflows.ReportRef, error) {
		return workflows.ReportRef{Verdict: investigation.Inconclusive, Title: "who knows"}, nil
	})
	s.withoutIntake()
	deployed, broke := alert("deployed", "a", investigation.Info), alert("broke", "b", investigation.Critical, "a")
	deployed.Kind, deployed.Onset = investigation.Deployment, start.Add(-4*time.Minute)
	s.ExecuteWorkflow(workflows.Incident, workflows.IncidentInput{Environment: "test", Triggers: []investigation.Trigger{deployed, broke}})
	if from := broke.Onset.Add(-15 * time.Second); s.GetWorkflowError() != nil || !req.Fault.From.Equal(from) || !req.Healthy.To.Equal(from) {
		t.Errorf("windows: %+v %+v, %v", req.Fault, req.Healthy, s.GetWorkflowError())
	}
}

func TestDeploymentVerification(t *testing.T) {
	deployed := alert("deployed", "a", investigation.Info)
	deployed.Kind = investigation.Deployment
	for name, c := range map[string]struct {
		alertAfter time.Duration
		began      time.Duration
		triggers   int
	}{
		"nothing follows": {0, 45 * time.Second, 1},
		"an alert joins":  {10 * time.Second, 10 * time.Second, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			var began time.Time
			var in workflows.IncidentInput
			s.workflow(workflows.IncidentWorkflow, func(ctx workflow.Context, i workflows.IncidentInput) (workflows.IncidentResult, error) {
				began, in = workflow.Now(ctx), i
				return workflows.IncidentResult{Status: workflows.Closed}, nil
			})
			if c.alertAfter > 0 {
				s.RegisterDelayedCallback(func() {
					s.SignalWorkflow(workflows.TriggerSignal, []investigation.Trigger{alert("broke", "a", investigation.Critical)})
				}, c.alertAfter)
			}
			s.withoutIntake()
			s.ExecuteWorkflow(workflows.DeploymentVerification, workflows.IncidentInput{Environment: "test", Workflow: "w", Triggers: []investigation.Trigger{deployed}})
			if err := s.GetWorkflowError(); err != nil {
				t.Fatal(err)
			}
			if got := began.Sub(start).Round(time.Second); got != c.began || len(in.Triggers) != c.triggers || in.Workflow != "w" {
				t.Errorf("handed over after %s with %d triggers, want %s with %d", got, len(in.Triggers), c.began, c.triggers)
			}
		})
	}
}

func TestScanSurvivesADetector(t *testing.T) {
	s := newStage(t)
	found := func(ts ...investigation.Trigger) func(context.Context, workflows.ScanRequest) ([]investigation.Trigger, error) {
		return func(context.Context, workflows.ScanRequest) ([]investigation.Trigger, error) { return ts, nil }
	}
	s.answer(workflows.EvaluateAlertsActivity, found(alert("x", "a", investigation.Warning)))
	s.answer(workflows.ScanAnomaliesActivity, func(context.Context, workflows.ScanRequest) ([]investigation.Trigger, error) {
		return nil, errors.New("store is down")
	})
	s.answer(workflows.ScanDeploymentsActivity, found())
	s.answer(workflows.ScanKernelEventsActivity, found(alert("y", "b", investigation.Critical)))
	var raised []investigation.Trigger
	s.answer(workflows.RaiseTriggersActivity, func(_ context.Context, in workflows.RaiseInput) error { raised = in.Triggers; return nil })
	s.ExecuteWorkflow(workflows.Scan, workflows.ScanInput{Environment: "test"})
	if err := s.GetWorkflowError(); err != nil || len(raised) != 2 {
		t.Errorf("raised %d, %v", len(raised), err)
	}
}
