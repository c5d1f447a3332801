package workflows

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/midwatch/midwatch/internal/investigation"
)

// Error types that cross from activities to workflows.
const (
	// StepFailedError means the sandboxed program ran, but broke the contract or was killed. It is tried once more.
	StepFailedError = "StepFailed"
	// ModelStepError is a StepFailedError of a step that spoke for a model: tried once more, then the built-in analyst goes on.
	ModelStepError = "ModelStepFailed"
	// RefusedError means the activity will never succeed with this input.
	RefusedError = "Refused"
	// ModelError means that no model answers: policy, budget or every listed provider says no. The built-in analyst goes on.
	ModelError = "Model"
)

const (
	// builtinTurns is how many turns the built-in analyst gets at least where a model no longer answers.
	builtinTurns = 3
	// MaxAsks is how often a model may be asked in one turn: once, and once more if it cannot be understood.
	MaxAsks = 2
)

// stepTries is how often a step that fails is run: twice, then the built-in analyst takes over from a model, or the investigation fails.
const stepTries = 2

// InvestigationState is all that an Investigation knows, and what continue-as-new carries.
type InvestigationState struct {
	Turn    int        `json:"turn"`    // last begun, from 1
	Started time.Time  `json:"started"` // of the first run
	Calls   []DoneCall `json:"calls"`
	Phase   string     `json:"phase"`
	Model   bool       `json:"model,omitempty"`   // a model has decided a turn
	Builtin bool       `json:"builtin,omitempty"` // the built-in analyst decides from here on
	Left    int        `json:"left,omitempty"`    // turns that are its at least, once it took over from a model
	Why     string     `json:"why,omitempty"`     // it took over
	Refute  bool       `json:"refute,omitempty"`  // a drafted report is under attack by its own analyst
}

// DoneCall is a tool call that was answered.
type DoneCall struct {
	Tool     string `json:"tool"`
	Digest   string `json:"digest"`
	Evidence string `json:"evidence"`
}

// Investigation is a loop: the analyst decides the next step in the sandbox, the tools it asks for run, and so on until it
// concludes or the budget is spent. Then the platform evaluates the report's checks, and what does not hold is struck.
func Investigation(ctx workflow.Context, in InvestigationInput) (ReportRef, error) {
	inv := &run{InvestigationInput: in}
	if err := workflow.SetQueryHandler(ctx, StateQuery, func() (InvestigationState, error) { return inv.State, nil }); err != nil {
		return ReportRef{}, err
	}
	if inv.State.Started.IsZero() {
		inv.State.Started = workflow.Now(ctx)
	}
	found, err := inv.run(ctx)
	if err == nil || workflow.IsContinueAsNewError(err) {
		return found, err
	}
	reason := EndInput{Investigation: inv.ID, Reason: cause(err)}
	if ctx.Err() != nil { // what is left to write down needs a context that lives
		reason.Reason = "cancelled"
		ctx, _ = workflow.NewDisconnectedContext(ctx)
	}
	mark(ctx, PhaseAttribute.ValueSet(Failed))
	tell(ctx, "Failed: "+reason.Reason)
	return ReportRef{}, errors.Join(err, call(ctx, EndInvestigationActivity, "Failed: "+reason.Reason, reason).Get(ctx, nil))
}

type run struct {
	InvestigationInput
}

func (inv *run) run(ctx workflow.Context) (ReportRef, error) {
	for {
		inv.State.Turn++
		last := inv.spent(workflow.Now(ctx))
		step, last, err := inv.think(ctx, last)
		if err != nil {
			return ReportRef{}, err
		}
		tell(ctx, fmt.Sprintf("Turn %d: %s", inv.State.Turn, step.Say))
		if step.Concludes && (inv.State.Refute || !step.Model || !step.Blames || last) {
			return inv.conclude(ctx, step)
		}
		if last {
			return ReportRef{}, fmt.Errorf("the analyst did not conclude on its last turn, %d", inv.State.Turn)
		}
		inv.State.Refute = inv.State.Refute || step.Concludes
		inv.perform(ctx, step)
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return ReportRef{}, workflow.NewContinueAsNewError(ctx, InvestigationWorkflow, inv.InvestigationInput)
		}
	}
}

// spent tells whether the turn that begins now must be the last.
func (inv *run) spent(now time.Time) bool {
	if inv.State.Left > 0 {
		inv.State.Left--
		return inv.State.Left == 0
	}
	return inv.State.Turn >= inv.Budget.Turns || inv.Budget.Wall > 0 && now.Sub(inv.State.Started) >= inv.Budget.Wall
}

// think has the next step decided. A step that wants a model asked is run again with the answer. It returns whether the turn
// was the last, which it no longer is when the built-in analyst takes over.
func (inv *run) think(ctx workflow.Context, last bool) (StepRef, bool, error) {
	for asked := 0; ; asked++ {
		step, err := inv.step(ctx, last, asked)
		switch {
		case err == nil && !step.Asks:
			inv.State.Builtin = !step.Model
			return step, last, nil
		case err == nil && asked < MaxAsks:
			inv.State.Model = true
			err = inv.ask(ctx, asked+1)
		case err == nil:
			err = errors.New("the model was asked and asked and not understood")
		}
		if err == nil {
			continue
		}
		if ctx.Err() != nil || inv.State.Builtin || !inv.State.Model && typeOf(err) != ModelStepError {
			return StepRef{}, last, err
		}
		inv.takeOver(ctx, cause(err))
		last = false
	}
}

// ask has a model asked what the step before stored.
func (inv *run) ask(ctx workflow.Context, ask int) error {
	input := AskInput{Investigation: inv.ID, Turn: inv.State.Turn, Ask: ask}
	return call(ctx, AskModelActivity, fmt.Sprintf("Ask the model, turn %d", inv.State.Turn), input).Get(ctx, nil)
}

// step runs the analyst's step once, or once more if the sandboxed program failed.
func (inv *run) step(ctx workflow.Context, last bool, asked int) (StepRef, error) {
	inv.State.Phase = "thinking"
	var step StepRef
	err := sandboxed(ctx, func() workflow.Future {
		return call(ctx, AnalystStepActivity, fmt.Sprintf("Turn %d", inv.State.Turn), StepInput{
			Investigation: inv.ID, Turn: inv.State.Turn, LastTurn: last, Now: workflow.Now(ctx),
			Asked: asked, Refute: inv.State.Refute, Builtin: inv.State.Builtin,
		})
	}, &step)
	return step, err
}

// takeOver lets the built-in analyst go on, from the turn that is being decided, with the turns it needs.
func (inv *run) takeOver(ctx workflow.Context, why string) {
	inv.State.Builtin, inv.State.Refute, inv.State.Left, inv.State.Why = true, false, builtinTurns-1, why
	tell(ctx, "The built-in analyst goes on: "+why)
	workflow.GetLogger(ctx).Warn("the built-in analyst goes on without the model", "investigation", inv.ID, "why", why)
}

// sandboxed runs an activity of the sandbox role, once more if the sandboxed program failed.
func sandboxed(ctx workflow.Context, start func() workflow.Future, result any) error {
	for try := 1; ; try++ {
		err := start().Get(ctx, result)
		kind := typeOf(err)
		if err == nil || try == stepTries || kind != StepFailedError && kind != ModelStepError {
			return err
		}
		workflow.GetLogger(ctx).Warn("sandboxed step failed, trying once more", "error", err)
	}
}

// perform runs a turn's calls.
func (inv *run) perform(ctx workflow.Context, step StepRef) {
	inv.State.Phase = "gathering evidence"
	inv.State.Calls = gather(ctx, step.Calls, inv.State.Calls, func(c CallRef) workflow.Future {
		return call(ctx, c.Tool, c.Why, CallInput{Investigation: inv.ID, Turn: inv.State.Turn, Call: c.ID})
	})
}

// gather starts a turn's calls side by side, each an activity named after its tool, and returns all calls that have evidence. A
// call that was made before has its evidence already. A call that cannot be answered leaves the turn without that evidence, which
// the analyst sees.
func gather(ctx workflow.Context, calls []CallRef, done []DoneCall, start func(CallRef) workflow.Future) []DoneCall {
	var waiting []pending
	for _, c := range calls {
		if answered(done, c) || slices.ContainsFunc(waiting, func(p pending) bool { return p.call.Tool == c.Tool && p.call.Digest == c.Digest }) {
			continue
		}
		waiting = append(waiting, pending{call: c, future: start(c)})
	}
	for _, p := range waiting {
		var e EvidenceRef
		if err := p.future.Get(ctx, &e); err != nil {
			workflow.GetLogger(ctx).Warn("tool call without an answer", "tool", p.call.Tool, "error", err)
			continue
		}
		done = append(done, DoneCall{Tool: p.call.Tool, Digest: p.call.Digest, Evidence: e.ID})
	}
	return done
}

type pending struct {
	call   CallRef
	future workflow.Future
}

func answered(done []DoneCall, c CallRef) bool {
	return slices.ContainsFunc(done, func(d DoneCall) bool { return d.Tool == c.Tool && d.Digest == c.Digest })
}

// conclude has the report's checks evaluated, on the evidence and on its healthy counterpart.
func (inv *run) conclude(ctx workflow.Context, step StepRef) (ReportRef, error) {
	inv.State.Phase = "checking the report"
	controls := make([]workflow.Future, len(step.Cited))
	for n, id := range step.Cited {
		controls[n] = call(ctx, ControlEvidenceActivity, "The same question about the healthy time: "+id, ControlInput{Investigation: inv.ID, Evidence: id})
	}
	verify := VerifyInput{Investigation: inv.ID, Turn: inv.State.Turn, TookOver: inv.State.Why}
	for n, c := range controls {
		if err := c.Get(ctx, nil); err != nil {
			verify.Uncontrolled = append(verify.Uncontrolled, step.Cited[n])
		}
	}
	var found ReportRef
	err := sandboxed(ctx, func() workflow.Future { return call(ctx, VerifyReportActivity, "Evaluate every check", verify) }, &found)
	if err != nil {
		return ReportRef{}, err
	}
	inv.State.Phase = InvestigationConcluded
	mark(ctx, VerdictAttribute.ValueSet(string(found.Verdict)), PhaseAttribute.ValueSet(InvestigationConcluded))
	tell(ctx, fmt.Sprintf("%s (%s, confidence %.0f%%)", found.Title, verdictWords(found.Verdict), 100*found.Confidence))
	return found, nil
}

func verdictWords(v investigation.Verdict) string {
	switch v {
	case investigation.RootCause:
		return "root cause found"
	case investigation.NoProblem:
		return "no problem found"
	default:
		return "inconclusive"
	}
}

// typeOf is the type of an error that crossed from an activity, "" of any other.
func typeOf(err error) string {
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		return app.Type()
	}
	return ""
}

// cause is the innermost message of an error that crossed from an activity: what a person wants to read.
func cause(err error) string {
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		return app.Message()
	}
	return err.Error()
}
