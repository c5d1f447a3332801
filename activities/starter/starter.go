// Package starter is how the outside reaches the workflows: it raises triggers, delivers approvals and keeps the watch
// schedule. It is apart from package workflows because it does I/O.
package starter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// Batch bounds the triggers of one signal.
const Batch = 100

// WatchSchedule is the id of the schedule that looks for trouble, in workflows.WatchNamespace.
const WatchSchedule = "watch"

// Signaller is what Raise needs of Temporal; client.Client is one.
type Signaller interface {
	SignalWithStartWorkflow(ctx context.Context, workflowID, signal string, signalArg any,
		options client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error)
}

// Raise hands triggers to an environment's Intake and starts it when it does not run. A trigger that was raised before is
// ignored there. All of them go into one signal, whose payload is limited: Batch is how many are safe.
func Raise(ctx context.Context, c Signaller, environment string, policy workflows.Policy, ts ...investigation.Trigger) error {
	if len(ts) == 0 {
		return nil
	}
	ts = slices.Clone(ts)
	for i, t := range ts {
		ts[i] = t.Bounded()
	}
	id := workflows.IntakeID(environment)
	_, err := c.SignalWithStartWorkflow(ctx, id, workflows.TriggerSignal, ts, client.StartWorkflowOptions{
		ID: id, TaskQueue: workflows.OrchestrateQueue,
		StaticSummary: "Collects the triggers of " + environment,
	}, workflows.IntakeWorkflow, workflows.IntakeInput{Environment: environment, Policy: policy})
	if err != nil {
		return fmt.Errorf("raise %d triggers in %s: %w", len(ts), environment, err)
	}
	return nil
}

// Executor is what Investigate needs of Temporal; client.Client is one.
type Executor interface {
	ExecuteWorkflow(ctx context.Context, options client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error)
}

// Investigate starts an investigation by itself: without an incident nothing follows from its report. Its request must be in
// the metadata store.
func Investigate(ctx context.Context, c Executor, r investigation.Request, summary string) error {
	_, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: workflows.InvestigationWorkflowID(r.Environment, r.ID), TaskQueue: workflows.OrchestrateQueue, StaticSummary: summary,
	}, workflows.InvestigationWorkflow, workflows.InvestigationInput{ID: r.ID, Environment: r.Environment, Budget: r.Budget})
	if err != nil {
		return fmt.Errorf("start investigation %s: %w", r.ID, err)
	}
	return nil
}

// Ask has a question answered that is in the metadata store. Asked again while the answer is looked for it does nothing.
func Ask(ctx context.Context, c Executor, environment string, q investigation.Question) error {
	_, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: workflows.QuestionWorkflowID(environment, q.ID), TaskQueue: workflows.OrchestrateQueue,
		StaticSummary: fmt.Sprintf("Question %d about %s", q.Number, q.Investigation),
	}, workflows.QuestionWorkflow, workflows.QuestionInput{ID: q.ID, Investigation: q.Investigation, Number: q.Number, Budget: q.Budget})
	if err != nil {
		return fmt.Errorf("start question %s: %w", q.ID, err)
	}
	return nil
}

// appears is how long a Remediation may take to start after its fix was stored.
const appears = 3 * time.Second

// Deliverer is what Decide needs of Temporal; client.Client is one.
type Deliverer interface {
	SignalWorkflow(ctx context.Context, workflow, run, signal string, arg any) error
}

// Decide delivers a signed approval or rejection to the Remediation that waits for it. The error wraps
// serviceerror.NotFound when nothing waits for it any more.
func Decide(ctx context.Context, c Deliverer, a investigation.Approval) error {
	id := workflows.RemediationWorkflowID(a.Environment, a.Fix)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for until := time.Now().Add(appears); ; {
		err := c.SignalWorkflow(ctx, id, "", workflows.ApprovalSignal, a)
		var missing *serviceerror.NotFound
		if err == nil {
			return nil
		}
		if !errors.As(err, &missing) || time.Now().After(until) {
			return fmt.Errorf("deliver approval of %s: %w", a.Fix, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// Watch makes or updates the schedule that scans an environment. The client is one of workflows.WatchNamespace. A scan that
// is still running when the next is due makes that one be skipped.
func Watch(ctx context.Context, c client.Client, environment string, every time.Duration, policy workflows.Policy) error {
	id := WatchSchedule + "/" + environment
	spec := client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}}
	action := &client.ScheduleWorkflowAction{
		ID: "scan/" + environment, Workflow: workflows.ScanWorkflow, TaskQueue: workflows.OrchestrateQueue,
		Args:               []any{workflows.ScanInput{Environment: environment, Policy: policy}},
		WorkflowRunTimeout: 30 * time.Second,
	}
	_, err := c.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: id, Spec: spec, Action: action, Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: 10 * time.Second,
	})
	if errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		err = c.ScheduleClient().GetHandle(ctx, id).Update(ctx, client.ScheduleUpdateOptions{
			DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
				s := in.Description.Schedule
				s.Spec, s.Action = &spec, action
				return &client.ScheduleUpdate{Schedule: &s}, nil
			},
		})
	}
	if err != nil {
		return fmt.Errorf("keep schedule %s: %w", id, err)
	}
	return nil
}
