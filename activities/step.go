package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.temporal.io/sdk/temporal"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/gate"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/privacy"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/sandbox"
	"github.com/midwatch/midwatch/sandbox/contract"
	"github.com/midwatch/midwatch/workflows"
)

// StepStore is what Step needs of the metadata store.
type StepStore interface {
	Investigation(ctx context.Context, id string) (metadata.Investigation, error)
	EvidenceList(ctx context.Context, investigationID string) ([]investigation.Evidence, error)
	PutTurn(ctx context.Context, investigationID string, t investigation.Turn) error
	PutReport(ctx context.Context, investigationID string, r investigation.Report) error
	SetInvestigationStatus(ctx context.Context, id, status string) error
	// Of investigations with a model:
	Exchanges(ctx context.Context, investigation string) ([]contract.Exchange, error)
	PutAsk(ctx context.Context, c llm.Call, a llm.StoredAsk) error
	Pseudonyms(ctx context.Context, investigation string) (*privacy.Map, error)
	Attempts(ctx context.Context, c llm.Call) ([]llm.Entry, error)
}

var _ StepStore = (*metadata.DB)(nil)

// Step runs the analyst, and the platform's judge of its report, in the sandbox.
type Step struct {
	Engine   sandbox.Engine
	Registry *tools.Registry // for names and schemas only: nothing of it is run here
	DB       StepStore
	Models   *gate.Selector // which model may decide, if any; nil: none ever
}

// Analyst runs one step and stores what it decided. A turn that is stored already is not decided again.
func (a *Step) Analyst(ctx context.Context, in workflows.StepInput) (workflows.StepRef, error) {
	defer alive(ctx)()
	inv, err := a.DB.Investigation(ctx, in.Investigation)
	if err != nil {
		return workflows.StepRef{}, final(err)
	}
	evidence, err := a.DB.EvidenceList(ctx, in.Investigation)
	if err != nil {
		return workflows.StepRef{}, err
	}
	if i := slices.IndexFunc(inv.Turns, func(t investigation.Turn) bool { return t.Number == in.Turn }); i >= 0 {
		return refOf(inv.Turns[i], evidence), nil
	}
	t := transcript(inv, evidence, in.Turn, in.LastTurn, in.Now)
	if err := a.complete(ctx, in.Investigation, t.Turns); err != nil {
		return workflows.StepRef{}, err
	}
	step, analyst, err := a.decide(ctx, t, in)
	if err != nil || step == nil {
		return workflows.StepRef{Asks: err == nil, Model: err == nil}, err
	}
	turn := investigation.Turn{Number: in.Turn, Say: step.Say, Calls: step.Calls, Draft: step.Report, Analyst: analyst, At: in.Now}
	if err := a.DB.PutTurn(ctx, in.Investigation, turn); err != nil {
		return workflows.StepRef{}, err
	}
	return refOf(turn, evidence), nil
}

// complete stores the turn before this one again, now that its evidence is there, for people who watch.
func (a *Step) complete(ctx context.Context, id string, turns []investigation.Turn) error {
	if len(turns) == 0 {
		return nil
	}
	return a.DB.PutTurn(ctx, id, turns[len(turns)-1])
}

// decide has a model decide, if policy names one, else the built-in analyst. A nil step means that the model must be asked
// first, and that what to ask is stored.
func (a *Step) decide(ctx context.Context, t investigation.Transcript, in workflows.StepInput) (*investigation.Step, string, error) {
	wanted := providerOf(t.Request)
	if !in.Builtin && a.Models != nil && t.Request.Analyst != investigation.AnalystBuiltin {
		accounts, policy, err := a.Models.Allowed(ctx, t.Request.Environment, wanted)
		if err == nil {
			step, err := a.byModel(ctx, t, in, accounts[0], policy)
			return step, investigation.AnalystModel, modelStepFailed(err)
		}
		if wanted != "" || in.Asked > 0 || slices.ContainsFunc(t.Turns, func(t investigation.Turn) bool { return t.Analyst == investigation.AnalystModel }) {
			return nil, "", temporal.NewNonRetryableApplicationError(err.Error(), workflows.ModelError, err)
		}
	}
	if wanted != "" && !in.Builtin {
		return nil, "", refused(fmt.Errorf("%s was asked for, and no model provider is configured here", wanted))
	}
	step, err := a.builtin(ctx, t, in)
	return step, investigation.AnalystBuiltin, err
}

// builtin has the built-in analyst decide. It sees its own turns alone: it goes on where a model stopped as if from the start.
func (a *Step) builtin(ctx context.Context, t investigation.Transcript, in workflows.StepInput) (*investigation.Step, error) {
	own, renumber := ownTurns(t, in.Turn)
	own.Tools = a.Registry.Names()
	answer, err := a.run(ctx, contract.Request{Step: &own})
	if err != nil {
		return nil, err
	}
	if answer.Step == nil {
		return nil, stepFailed(errors.New("the step gave no answer"))
	}
	renumber(answer.Step)
	if err := validate(*answer.Step, in.Turn, in.LastTurn, a.Registry); err != nil {
		return nil, stepFailed(err)
	}
	return answer.Step, nil
}

// run asks the sandboxed program. Without walls it fails closed.
func (a *Step) run(ctx context.Context, req contract.Request) (contract.Answer, error) {
	answer, err := a.Engine.Run(ctx, req)
	switch {
	case errors.Is(err, sandbox.ErrUnavailable):
		return answer, refused(err)
	case ctx.Err() != nil:
		return answer, ctx.Err()
	case err != nil:
		return answer, stepFailed(err)
	case answer.Error != "":
		return answer, stepFailed(errors.New(answer.Error))
	}
	return answer, nil
}

// refOf is a turn without its contents.
func refOf(t investigation.Turn, evidence []investigation.Evidence) workflows.StepRef {
	ref := workflows.StepRef{Say: short(t.Say), Model: t.Analyst == investigation.AnalystModel}
	for _, c := range t.Calls {
		ref.Calls = append(ref.Calls, workflows.CallRef{ID: c.ID, Tool: c.Tool, Why: short(c.Why), Digest: digest(c.Tool, investigation.Canonical(c.Arguments))})
	}
	if t.Draft != nil {
		ref.Concludes, ref.Cited, ref.Blames = true, readBy(cited(*t.Draft), evidence), t.Draft.Verdict == investigation.RootCause
	}
	return ref
}

// short keeps a line of text for summaries.
func short(text string) string {
	const limit = 200
	if len(text) <= limit {
		return text
	}
	return string([]rune(text)[:min(limit/2, len([]rune(text)))]) + "…"
}
