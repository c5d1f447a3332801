package eval

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/midwatch/midwatch/activities"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/workflows"
)

// longest is how long a case may wait for one activity before the environment takes it for stuck.
const longest = time.Hour

// investigate runs the Investigation workflow with its activities. The clock of the workflow begins at the moment of the
// trigger, as it did then.
func (r *Runner) investigate(ctx context.Context, db *metadata.DB, request investigation.Request, registry *tools.Registry) error {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(r.cfg.Log))
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(longest)
	env.SetStartTime(request.Fault.To)
	env.SetWorkerOptions(worker.Options{BackgroundActivityContext: ctx, DeadlockDetectionTimeout: time.Minute}) // a busy machine is no deadlock
	env.RegisterWorkflowWithOptions(workflows.Investigation, workflow.RegisterOptions{Name: workflows.InvestigationWorkflow})
	r.register(env, db, registry)
	defer context.AfterFunc(ctx, env.CancelWorkflow)()
	env.ExecuteWorkflow(workflows.InvestigationWorkflow, workflows.InvestigationInput{
		ID: request.ID, Environment: request.Environment, Budget: request.Budget,
	})
	err := env.GetWorkflowError()
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		return errors.New(app.Message())
	}
	return err
}

// register gives the environment the activities of an investigation, as the workers do.
func (r *Runner) register(env *testsuite.TestWorkflowEnvironment, db *metadata.DB, registry *tools.Registry) {
	add := func(name string, f any) { env.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name}) }
	step := &activities.Step{Engine: r.cfg.Engine, Registry: registry, DB: db}
	if r.cfg.Analyst != investigation.AnalystBuiltin {
		step.DB, step.Models = store{db, r.cfg.Ledger}, r.cfg.Models
		model := &activities.Model{DB: db, Gate: r.cfg.Gate, Key: r.cfg.PseudonymKey, Hosts: r.cfg.Hosts}
		add(workflows.AskModelActivity, patient(model.Ask))
	}
	add(workflows.AnalystStepActivity, step.Analyst)
	add(workflows.VerifyReportActivity, step.Verify)
	run := &activities.Tools{Registry: registry, DB: db}
	programs := &activities.Programs{Engine: r.cfg.Engine, DB: db}
	for _, name := range registry.Names() {
		if name == workflows.RunProgramTool {
			add(name, programs.Call)
		} else {
			add(name, run.Call)
		}
	}
	add(workflows.ControlEvidenceActivity, run.Control)
	incidents := &activities.Incidents{DB: db}
	add(workflows.EndInvestigationActivity, incidents.EndInvestigation)
}

// Pauses between attempts to ask a model, as the workflow wants them.
const firstPause, longestPause = 500 * time.Millisecond, 5 * time.Second

// patient makes the pauses between attempts real. The environment's clock jumps over them, and a provider that wants to be
// left alone for a while would be asked again at once.
func patient[I, O any](ask func(context.Context, I) (O, error)) func(context.Context, I) (O, error) {
	return func(ctx context.Context, in I) (O, error) {
		out, err := ask(ctx, in)
		var app *temporal.ApplicationError
		if err == nil || errors.As(err, &app) && app.NonRetryable() {
			return out, err
		}
		pause := min(firstPause<<min(activity.GetInfo(ctx).Attempt-1, 10), longestPause)
		if app != nil {
			pause = max(pause, app.NextRetryDelay())
		}
		select {
		case <-ctx.Done():
			return out, fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-time.After(pause):
			return out, err
		}
	}
}
