package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/midwatch/midwatch/internal/investigation"
)

// DeploymentVerification watches a deployment through its bake time. The first trigger of another kind ends the wait: then
// something broke, and the incident starts with both. Otherwise the incident starts when the time is over, to compare before
// with after; its honest verdict is usually that there is no problem.
func DeploymentVerification(ctx workflow.Context, in IncidentInput) (IncidentResult, error) {
	in.Policy = in.Policy.orDefault()
	if err := workflow.SetQueryHandler(ctx, StateQuery, func() (IncidentInput, error) { return in, nil }); err != nil {
		return IncidentResult{}, err
	}
	mark(ctx, PhaseAttribute.ValueSet(Baking))
	tell(ctx, "Watching after: "+leading(in.Triggers).Summary)
	bake(ctx, &in)
	report(ctx, in.Environment, Progress{Workflow: in.Workflow, Phase: Investigating, Took: ids(in.Triggers)})
	mark(ctx, PhaseAttribute.ValueSet(Investigating))
	tell(ctx, "Handed over to an incident: "+leading(in.Triggers).Summary)
	return handOver(ctx, in)
}

// bake gathers triggers until the bake time is over or something is wrong.
func bake(ctx workflow.Context, in *IncidentInput) {
	ctx, cancel := workflow.WithCancel(ctx)
	defer cancel() // the timer
	over := workflow.NewTimer(ctx, in.Policy.Bake)
	signals := workflow.GetSignalChannel(ctx, TriggerSignal)
	for onlyDeployments(in.Triggers) && !over.IsReady() {
		workflow.NewSelector(ctx).
			AddFuture(over, func(workflow.Future) {}).
			AddReceive(signals, func(c workflow.ReceiveChannel, _ bool) {
				var ts []investigation.Trigger
				c.Receive(ctx, &ts)
				kept, left := Fit(append(in.Triggers, ts...), maxGroup, maxTriggerBytes)
				in.Triggers, in.Dropped = kept, in.Dropped+left
			}).
			Select(ctx)
	}
}

// handOver runs the incident and passes late triggers on to it.
func handOver(ctx workflow.Context, in IncidentInput) (IncidentResult, error) {
	id := IncidentWorkflowID(in.Environment, in.Triggers[0].ID)
	child := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            id,
		TypedSearchAttributes: attributesOf(in.Triggers, Collecting),
		StaticSummary:         line(leading(in.Triggers).Summary),
	}), IncidentWorkflow, in)
	if err := child.GetChildWorkflowExecution().Get(ctx, nil); err != nil {
		return IncidentResult{}, err
	}
	signals := workflow.GetSignalChannel(ctx, TriggerSignal)
	for !child.IsReady() {
		workflow.NewSelector(ctx).
			AddFuture(child, func(workflow.Future) {}).
			AddReceive(signals, func(c workflow.ReceiveChannel, _ bool) {
				var ts []investigation.Trigger
				c.Receive(ctx, &ts)
				if err := child.SignalChildWorkflow(ctx, TriggerSignal, ts).Get(ctx, nil); err != nil {
					workflow.GetLogger(ctx).Warn("late trigger not passed on", "error", err)
				}
			}).
			Select(ctx)
	}
	var result IncidentResult
	err := child.Get(ctx, &result)
	return result, err
}
