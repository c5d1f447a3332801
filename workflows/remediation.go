package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/midwatch/midwatch/internal/investigation"
)

const (
	poll = 5 * time.Second
	// clear is how many polls in a row must be without alarm: an alert's own window has to pass.
	clear = 3
)

// RemediationResult is how a fix ended.
type RemediationResult struct {
	Fix     string `json:"fix"`
	Status  string `json:"status"`
	Summary string `json:"summary"`
}

// Remediation holds one exact fix until a person decides, has it applied, and watches whether that helped. It decides
// nothing itself: the apply role checks the signature and spends the nonce, so a workflow that is reset, started by hand or
// signalled twice applies nothing.
func Remediation(ctx workflow.Context, in RemediationInput) (RemediationResult, error) {
	r := &remediation{RemediationInput: in, began: workflow.Now(ctx), state: RemediationResult{Fix: in.Fix.ID, Status: FixAwaiting}}
	if err := workflow.SetQueryHandler(ctx, StateQuery, func() (RemediationResult, error) { return r.state, nil }); err != nil {
		return r.state, err
	}
	r.tells = workflow.GetVersion(ctx, "tells-people", workflow.DefaultVersion, 1) >= 1
	mark(ctx, PhaseAttribute.ValueSet(AwaitingApproval))
	tell(ctx, "Awaiting approval: "+in.Fix.Content)
	err := r.run(ctx)
	if err == nil {
		r.handBack(ctx)
	}
	deliver(ctx, in.Fix.ID, r.told)
	return r.state, err
}

// handBack tells the incident how the fix ended, where its end would otherwise wait for people to be told: minutes, if who tells them
// is away.
func (r *remediation) handBack(ctx workflow.Context) {
	incident := workflow.GetInfo(ctx).ParentWorkflowExecution
	told := !slices.ContainsFunc(r.told, func(t workflow.Future) bool { return !t.IsReady() })
	if incident == nil || told || ctx.Err() != nil || workflow.GetVersion(ctx, "hands-back", workflow.DefaultVersion, 1) < 1 {
		return
	}
	if err := workflow.SignalExternalWorkflow(ctx, incident.ID, incident.RunID, OutcomeSignal, r.state).Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Warn("incident not told how the fix ended", "fix", r.Fix.ID, "error", err) // it learns it when this ends
	}
}

// run goes from the decision to the recovery.
func (r *remediation) run(ctx workflow.Context) error {
	applied, err := r.decide(ctx)
	if err != nil || r.state.Status != FixApplied {
		return err
	}
	if r.Fix.PullRequest {
		if applied.At, err = r.merge(ctx); err != nil || applied.At.IsZero() {
			return err
		}
	}
	return r.verify(ctx, applied)
}

type remediation struct {
	RemediationInput
	began time.Time
	state RemediationResult
	// given are approvals that count and are not enough yet.
	given []investigation.Approval
	// tells is false for what began before people were told of more than the outcome.
	tells bool
	told  []workflow.Future // announcements
}

// decide waits for a decision that counts, or for the time to run out. Meanwhile people are reminded.
func (r *remediation) decide(ctx workflow.Context) (ApplyResult, error) {
	timed, cancel := workflow.WithCancel(ctx)
	defer cancel()
	expired := workflow.NewTimer(timed, r.Approval)
	nags := r.nags()
	due := r.next(timed, nags)
	for {
		var a *investigation.Approval
		selector := workflow.NewSelector(ctx).
			AddReceive(workflow.GetSignalChannel(ctx, ApprovalSignal), func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, &a) }).
			AddFuture(expired, func(workflow.Future) {})
		nagged := false
		if due != nil {
			selector.AddFuture(due, func(workflow.Future) { nagged = true })
		}
		selector.Select(ctx)
		switch {
		case a != nil:
			result, err := r.consider(ctx, *a)
			if err != nil || result.Refused == "" && result.Waiting == "" {
				return result, err
			}
		case nagged && ctx.Err() == nil && !expired.IsReady():
			r.nag(ctx, nags[0])
			nags = nags[1:]
			due = r.next(timed, nags)
		case ctx.Err() != nil && workflow.GetVersion(ctx, "cancel-ends-fix", workflow.DefaultVersion, 1) >= 1:
			ctx, _ := workflow.NewDisconnectedContext(ctx)
			r.set(ctx, FixExpired, "Cancelled before anybody decided; the fix was not applied")
			return ApplyResult{}, nil
		default:
			r.set(ctx, FixExpired, "Nobody decided in time; the fix was not applied")
			return ApplyResult{}, nil
		}
	}
}

// consider takes an approval at its word only as far as refusing it goes; the rest is for the apply role to check.
func (r *remediation) consider(ctx workflow.Context, a investigation.Approval) (ApplyResult, error) {
	if why := r.mismatch(a); why != "" {
		refusal := Refusal{Fix: r.Fix.ID, Reason: why, Approval: a}
		return ApplyResult{Refused: why}, call(ctx, AuditRefusedActivity, "Approval refused: "+why, refusal).Get(ctx, nil)
	}
	phase := "Rejected by " + a.Approver
	enough := len(r.given)+1 >= r.Fix.Needed
	if a.Approved {
		phase = "Approved by " + a.Approver
	}
	if a.Approved && enough {
		if result, err := r.doubt(ctx, a); result.Refused != "" || r.state.Status != FixAwaiting || err != nil {
			return result, err
		}
		r.incident(ctx, Applying)
	}
	var result ApplyResult
	input := ApplyInput{Fix: r.Fix.ID, Approval: a, Earlier: r.given}
	if err := call(ctx, ApplyFixActivity, phase+": "+r.Fix.Content, input).Get(ctx, &result); err != nil {
		r.set(ctx, FixFailed, "The fix could not be applied: "+cause(err))
		return ApplyResult{}, nil
	}
	if result.Waiting != "" {
		r.keep(ctx, a, result)
	}
	if result.Refused != "" || result.Waiting != "" {
		if enough || !a.Approved {
			r.incident(ctx, AwaitingApproval)
		}
		return result, nil
	}
	r.state.Status, r.state.Summary = result.Status, phase+". "+result.Output
	if result.Status == FixApplied {
		r.announce(ctx, FixCarriedOut, phase+" and applied: "+r.Fix.Content)
	}
	return result, nil
}

// doubt has looked whether what the fix would undo is what was judged: a version that was deployed while the fix waited is not. A fix
// that fits no more ends here; where nobody can tell, it goes on waiting.
func (r *remediation) doubt(ctx workflow.Context, a investigation.Approval) (ApplyResult, error) {
	if workflow.GetVersion(ctx, "still-fits", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return ApplyResult{}, nil
	}
	var why string
	err := call(ctx, StillFitsActivity, "Is what it would change still what was judged?", DeployedInput{Fix: r.Fix.ID, To: workflow.Now(ctx)}).Get(ctx, &why)
	if err != nil {
		why = "whether its target was changed since cannot be told now; approve it again later: " + cause(err)
		refusal := Refusal{Fix: r.Fix.ID, Reason: why, Approval: a}
		return ApplyResult{Refused: why}, call(ctx, AuditRefusedActivity, "Approval refused: "+why, refusal).Get(ctx, nil)
	}
	if why != "" {
		r.set(ctx, FixFailed, "Not applied: "+why)
	}
	return ApplyResult{}, nil
}

// keep remembers an approval that is not enough, and forgets those that do not count any more.
func (r *remediation) keep(ctx workflow.Context, a investigation.Approval, result ApplyResult) {
	r.given = slices.DeleteFunc(append(r.given, a), func(p investigation.Approval) bool { return !slices.Contains(result.Counted, p.Nonce) })
	r.state.Summary = result.Waiting
	tell(ctx, "Awaiting approval, "+result.Waiting+": "+r.Fix.Content)
	r.announce(ctx, FixDecided, result.Waiting+": "+r.Fix.Content)
}

func (r *remediation) mismatch(a investigation.Approval) string {
	switch {
	case a.Fix != r.Fix.ID:
		return "it is for another fix"
	case a.Digest != r.Fix.Digest:
		return "it is for another content: the digests differ"
	case a.Incident != r.Fix.Incident || a.Environment != r.Environment || a.Target != r.Fix.Target:
		return "it is for another incident, environment or target"
	}
	return ""
}

// verify looks at the telemetry that raised the incident until it has been quiet for a while.
func (r *remediation) verify(ctx workflow.Context, applied ApplyResult) error {
	r.incident(ctx, Verifying)
	tell(ctx, "Applied, watching recovery: "+r.Fix.Content)
	var last Recovery
	for quiet, began := 0, workflow.Now(ctx); workflow.Now(ctx).Sub(began) < r.Recovery; {
		if err := workflow.Sleep(ctx, poll); err != nil {
			return err
		}
		input := RecoveryInput{Incident: r.Fix.Incident, Since: applied.At, Now: workflow.Now(ctx)}
		var seen Recovery
		if err := call(ctx, VerifyRecoveryActivity, "Is it over?", input).Get(ctx, &seen); err != nil {
			quiet = 0 // not knowing is not quiet
			continue
		}
		last = seen
		if len(seen.Firing)+len(seen.New) > 0 {
			quiet = 0
			continue
		}
		if quiet++; quiet == clear {
			took := workflow.Now(ctx).Sub(applied.At).Round(time.Second)
			r.set(ctx, FixVerified, fmt.Sprintf("Recovered %s after the fix: %s", took, seen.Summary))
			return nil
		}
	}
	why := fmt.Sprintf("No recovery within %s: %s", r.Recovery, last.Summary)
	if len(last.New) > 0 {
		why += ". It got worse; consider the reverse of this fix"
	}
	r.set(ctx, FixWorse, why)
	return nil
}

// set records how the fix stands.
func (r *remediation) set(ctx workflow.Context, status, result string) {
	r.state.Status, r.state.Summary = status, result
	mark(ctx, PhaseAttribute.ValueSet(status))
	tell(ctx, result)
	if err := call(ctx, UpdateFixActivity, result, FixChange{Fix: r.Fix.ID, Status: status, Result: result}).Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Warn("fix not updated", "fix", r.Fix.ID, "error", err)
	}
}

// incident shows where the incident is, to people and to Intake.
func (r *remediation) incident(ctx workflow.Context, status string) {
	mark(ctx, PhaseAttribute.ValueSet(status))
	if err := call(ctx, UpdateIncidentActivity, status, IncidentChange{Incident: r.Fix.Incident, Status: status}).Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Warn("incident not updated", "incident", r.Fix.Incident, "error", err)
	}
	if r.Workflow != "" {
		report(ctx, r.Environment, Progress{Workflow: r.Workflow, Phase: status})
	}
}
