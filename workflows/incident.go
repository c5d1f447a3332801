package workflows

import (
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
)

const (
	// lead is how much earlier than the first trigger's onset the fault window begins: a detector sees a fault late.
	lead = 15 * time.Second
	// baseline is how far back the healthy window reaches.
	baseline = 10 * time.Minute
	// askedAbout is the fault window of a question that names no time.
	askedAbout = 5 * time.Minute
)

// Incident takes one group of triggers from the first alarm to its end: it waits a little for the alerts of dependants,
// fixes the windows, investigates, and, when the report has a fix that can be made exact, waits for a person's approval.
func Incident(ctx workflow.Context, in IncidentInput) (IncidentResult, error) {
	in.Policy = in.Policy.orDefault()
	i := &incident{IncidentInput: in, id: IncidentID(in.Environment, in.Triggers[0].ID)}
	i.result = IncidentResult{Incident: i.id, Status: Investigating}
	if err := workflow.SetQueryHandler(ctx, StateQuery, func() (IncidentResult, error) { return i.result, nil }); err != nil {
		return i.result, err
	}
	err := i.run(ctx)
	switch {
	case ctx.Err() != nil: // somebody cancelled it: what is left to write down needs a context that lives
		ctx, _ = workflow.NewDisconnectedContext(ctx)
		i.cancelled = true
		i.end(ctx, Closed, "Cancelled: "+leading(i.Triggers).Summary)
	case err != nil:
		workflow.GetLogger(ctx).Error("incident failed", "incident", i.id, "error", err)
		i.end(ctx, Failed, "The investigation could not be finished")
	}
	i.join(ctx)
	i.count(ctx)
	i.deliver(ctx)
	return i.result, err
}

type incident struct {
	IncidentInput
	id     string
	opened bool
	// investigation is the id of the last one
	investigation string
	fix           string            // that awaits approval, or was decided
	told          []workflow.Future // announcements
	// explained: its cause was found, and Intake has not been told yet
	explained bool
	culprit   telemetry.Entity // that its report names, and how it failed
	mechanism investigation.Mechanism
	cancelled bool
	joins     int // how often late triggers were stored
	counted   int // triggers left out, as the metadata store knows
	result    IncidentResult
}

func (i *incident) run(ctx workflow.Context) error {
	first := leading(i.Triggers)
	tell(ctx, "Began with: "+first.Summary)
	if err := call(ctx, OpenIncidentActivity, first.Summary, i.record()).Get(ctx, nil); err != nil {
		return err
	}
	i.opened, i.counted = true, i.Dropped
	i.announce(ctx, IncidentOpened, "Incident: "+first.Summary)
	if !onlyDeployments(i.Triggers) && !manual(i.Triggers) {
		if err := i.settle(ctx); err != nil {
			return err
		}
	}
	found, err := i.lookInto(ctx)
	if err != nil {
		return err
	}
	i.result.Verdict, i.result.Title, i.explained = found.Verdict, found.Title, found.Verdict == investigation.RootCause
	i.culprit, i.mechanism = telemetry.Entity(found.Culprit), investigation.Mechanism(found.Mechanism)
	mark(ctx, VerdictAttribute.ValueSet(string(found.Verdict)))
	tell(ctx, found.Title)
	i.announce(ctx, ReportWritten, "Report: "+found.Title)
	fix, err := i.prepare(ctx, found)
	if err != nil {
		return err
	}
	if fix.ID == "" {
		i.end(ctx, Closed, found.Title)
		return nil
	}
	return i.remediate(ctx, fix)
}

// record is the incident as the metadata store first sees it. OpenedAt is this workflow's start, so that a repeated
// activity writes the same record.
func (i *incident) record() investigation.Incident {
	first := leading(i.Triggers)
	return investigation.Incident{
		ID: i.id, Environment: i.Environment, Title: first.Summary, Service: first.Service, Severity: first.Severity,
		Status: Investigating, Triggers: i.Triggers, Dropped: i.Dropped, Investigation: InvestigationID(i.id), OpenedAt: first.At,
	}
}

// settle waits for the alerts of dependants. What comes later is joined to the incident, but no longer moves its windows.
func (i *incident) settle(ctx workflow.Context) error {
	over := workflow.NewTimer(ctx, i.Policy.Settle)
	for !over.IsReady() {
		workflow.NewSelector(ctx).
			AddFuture(over, func(workflow.Future) {}).
			AddReceive(workflow.GetSignalChannel(ctx, TriggerSignal), func(workflow.ReceiveChannel, bool) {}).
			Select(ctx)
		i.join(ctx)
	}
	return over.Get(ctx, nil)
}

// alongside runs until done is ready, joining triggers meanwhile.
func (i *incident) alongside(ctx workflow.Context, done workflow.Future) {
	for !done.IsReady() {
		workflow.NewSelector(ctx).
			AddFuture(done, func(workflow.Future) {}).
			AddReceive(workflow.GetSignalChannel(ctx, TriggerSignal), func(workflow.ReceiveChannel, bool) {}).
			Select(ctx)
		i.join(ctx)
	}
}

// lookInto investigates, and once more if no cause was found and something came meanwhile that says more.
func (i *incident) lookInto(ctx workflow.Context) (ReportRef, error) {
	had := len(i.Triggers)
	found, err := i.investigate(ctx, InvestigationID(i.id))
	if err != nil || found.Verdict == investigation.RootCause || !tells(i.Triggers[had:]) || manual(i.Triggers) ||
		workflow.GetVersion(ctx, "looks-into-late-triggers", workflow.DefaultVersion, 1) < 1 {
		return found, err
	}
	late := i.Triggers[had:]
	tell(ctx, fmt.Sprintf("%s. Looks again: meanwhile %s", found.Title, leading(late).Summary))
	again, err := i.investigate(ctx, secondLook(i.id))
	if err != nil && ctx.Err() == nil { // the first report stands, and what came meanwhile is still for Intake to place
		workflow.GetLogger(ctx).Warn("second look failed", "incident", i.id, "error", err)
		i.investigation = InvestigationID(i.id)
		return found, nil
	}
	report(ctx, i.Environment, Progress{Workflow: i.Workflow, Phase: Investigating, Took: ids(late)})
	return again, err
}

// tells says that among triggers is one that an investigation would be started for.
func tells(ts []investigation.Trigger) bool {
	return slices.ContainsFunc(ts, func(t investigation.Trigger) bool {
		return t.Kind != investigation.Deployment && t.Severity != investigation.Info
	})
}

// investigate fixes the windows, stores the request and runs the Investigation.
func (i *incident) investigate(ctx workflow.Context, id string) (ReportRef, error) {
	i.investigation = id
	i.phase(ctx, Investigating)
	req := i.request(workflow.Now(ctx))
	if err := call(ctx, OpenInvestigationActivity, "Windows fixed, budget set", req).Get(ctx, nil); err != nil {
		return ReportRef{}, err
	}
	child := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            InvestigationWorkflowID(i.Environment, req.ID),
		TypedSearchAttributes: attributesOf(i.Triggers, Investigating),
		StaticSummary:         line(leading(i.Triggers).Summary),
	}), InvestigationWorkflow, InvestigationInput{
		ID: req.ID, Environment: i.Environment, Service: leading(i.Triggers).Service, Budget: req.Budget,
	})
	i.alongside(ctx, child)
	var found ReportRef
	err := child.Get(ctx, &found)
	return found, err
}

// Windows are an incident's: the fault from a little before the first onset to now, where what is looked at ends, the healthy
// one before it.
func Windows(ts []investigation.Trigger, now time.Time) (fault, healthy investigation.Window) {
	start := onset(ts)
	if first := ts[0]; first.Kind == investigation.Manual && first.Onset.IsZero() {
		start = now.Add(-askedAbout)
	}
	start = start.Add(-lead)
	return investigation.Window{From: start, To: now}, investigation.Window{From: start.Add(-baseline), To: start}
}

// until is when the time that is looked at ends. It follows from the triggers and from how long more of them are waited for,
// not from the moment at which a worker gets here: whatever is killed or queued meanwhile, the windows are the same.
func (i *incident) until(now time.Time) time.Time {
	if end, err := time.Parse(time.RFC3339, i.Triggers[0].Attributes[UntilAttribute]); err == nil && end.After(onset(i.Triggers)) && end.Before(now) {
		return end
	}
	wait := i.Policy.Debounce + i.Policy.Settle
	switch {
	case manual(i.Triggers):
		wait = 0
	case onlyDeployments(i.Triggers):
		wait = i.Policy.Debounce + i.Policy.Bake
	}
	var first, last time.Time // raised, of those that say that something is wrong
	for _, t := range i.Triggers {
		if t.Kind == investigation.Deployment && !onlyDeployments(i.Triggers) {
			continue
		}
		if first.IsZero() || t.At.Before(first) {
			first = t.At
		}
		if t.At.After(last) {
			last = t.At
		}
	}
	end := first.Add(wait)
	if last.After(end) {
		end = last
	}
	if end.After(now) {
		return now
	}
	return end
}

// request fixes the windows and the budget.
func (i *incident) request(now time.Time) investigation.Request {
	req := investigation.Request{
		ID: i.investigation, Incident: i.id, Environment: i.Environment, Requester: "midwatch", Triggers: i.Triggers,
		Budget: i.Policy.Budget(),
	}
	req.Fault, req.Healthy = Windows(i.Triggers, i.until(now))
	if first := i.Triggers[0]; first.Kind == investigation.Manual {
		req.Question, req.Namespaces = first.Summary, first.Namespaces
		if who := first.Attributes[RequesterAttribute]; who != "" {
			req.Requester = who
		}
	}
	return req
}

// prepare makes the report's draft an exact fix. A draft that does not fit leaves the report without a fix.
func (i *incident) prepare(ctx workflow.Context, found ReportRef) (FixRef, error) {
	if found.Verdict != investigation.RootCause || !found.HasFix {
		return FixRef{}, nil
	}
	var fix FixRef
	activity := PrepareFixActivity
	if found.Code {
		activity = PreparePullRequestActivity
	} else if found.Remedy {
		activity = PrepareRemedyActivity
	}
	err := call(ctx, activity, "Make the proposed fix exact", found.Investigation).Get(ctx, &fix)
	if err != nil {
		return FixRef{}, err
	}
	if fix.Invalid != "" {
		workflow.GetLogger(ctx).Warn("fix refused", "reason", fix.Invalid)
		i.announce(ctx, ReportWritten, "The proposed fix cannot be offered: "+fix.Invalid)
		return FixRef{}, nil
	}
	return fix, nil
}

// remediate waits for the Remediation, which may take a day.
func (i *incident) remediate(ctx workflow.Context, fix FixRef) error {
	child := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            RemediationWorkflowID(i.Environment, fix.ID),
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON, // a fix that waits is settled, whatever ends the incident
		TypedSearchAttributes: attributesOf(i.Triggers, AwaitingApproval),
		StaticSummary:         line(fix.Content),
	}), RemediationWorkflow, RemediationInput{
		Environment: i.Environment, Workflow: i.Workflow, Fix: fix, Approval: i.Policy.Approval, Remind: i.Policy.Remind,
		Escalate: i.Policy.Escalate, Recovery: i.Policy.Recovery,
	})
	if err := child.GetChildWorkflowExecution().Get(ctx, nil); err != nil {
		return err
	}
	i.phase(ctx, AwaitingApproval) // only now is there somebody to receive it
	i.progress(ctx, AwaitingApproval)
	i.fix = fix.ID
	i.announce(ctx, ApprovalAwaited, "A fix awaits approval: "+fix.Content)
	outcome, err := i.outcome(ctx, child)
	if err != nil {
		return err
	}
	i.announce(ctx, eventOf(outcome.Status), outcome.Summary)
	switch outcome.Status {
	case FixVerified:
		i.end(ctx, Resolved, i.result.Title)
	case FixFailed:
		i.end(ctx, Failed, i.result.Title)
	default: // rejected, expired or worse: it is in a person's hands
		i.end(ctx, Closed, i.result.Title)
	}
	return nil
}

// outcome waits for a Remediation to end, or for its word that only people are still to be told, joining triggers meanwhile.
func (i *incident) outcome(ctx workflow.Context, child workflow.Future) (outcome RemediationResult, err error) {
	for !child.IsReady() {
		workflow.NewSelector(ctx).
			AddFuture(child, func(workflow.Future) {}).
			AddReceive(workflow.GetSignalChannel(ctx, TriggerSignal), func(workflow.ReceiveChannel, bool) {}).
			AddReceive(workflow.GetSignalChannel(ctx, OutcomeSignal), func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, &outcome) }).
			Select(ctx)
		i.join(ctx)
		if outcome.Fix == i.fix {
			return outcome, nil
		}
	}
	err = child.Get(ctx, &outcome)
	return outcome, err
}

// phase shows where the incident is, in the metadata store and in the Temporal UI.
func (i *incident) phase(ctx workflow.Context, phase string) {
	i.result.Status = phase
	mark(ctx, PhaseAttribute.ValueSet(phase))
	i.update(ctx, IncidentChange{Incident: i.id, Status: phase, Title: i.result.Title, Investigation: i.investigation})
}

// end closes the incident and frees its place.
func (i *incident) end(ctx workflow.Context, status, title string) {
	i.result.Title = title
	i.phase(ctx, status)
	i.progress(ctx, status)
}

// progress tells Intake where the incident is, and once that its cause was found.
func (i *incident) progress(ctx workflow.Context, phase string) {
	p := Progress{Workflow: i.Workflow, Phase: phase, Explained: i.explained, Unexplained: i.unexplained(phase)}
	if i.explained {
		p.Culprit, p.Mechanism = i.culprit, i.mechanism
	}
	report(ctx, i.Environment, p)
	i.explained = false
}

func (i *incident) update(ctx workflow.Context, c IncidentChange) {
	if err := call(ctx, UpdateIncidentActivity, fmt.Sprintf("%s: %s", c.Status, c.Title), c).Get(ctx, nil); err != nil && !temporal.IsCanceledError(err) {
		workflow.GetLogger(ctx).Warn("incident not updated", "incident", c.Incident, "error", err)
	}
}

// announce tells whoever is on call, without waiting for it.
func (i *incident) announce(ctx workflow.Context, event Event, text string) {
	told := call(ctx, AnnounceActivity, text, Announcement{Incident: i.id, Event: event, Fix: i.fix, Line: text})
	i.told = append(i.told, told)
}

// deliver waits until everybody was told or it was given up: what a workflow leaves behind when it ends is not tried again.
// The incident itself has ended by then.
func (i *incident) deliver(ctx workflow.Context) { deliver(ctx, i.id, i.told) }

// eventOf is what people are told when a fix has ended.
func eventOf(status string) Event {
	switch status {
	case FixVerified:
		return RecoveryVerified
	case FixWorse:
		return RecoveryMissing
	case FixRejected:
		return FixDecided
	case FixExpired:
		return NobodyDecided
	default:
		return FixNotPossible
	}
}
