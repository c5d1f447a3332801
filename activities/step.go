package activities

import (
	"context"
	"errors"
	"slices"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
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
}

var _ StepStore = (*metadata.DB)(nil)

// Step runs the analyst, and the platform's judge of its report, in the sandbox.
type Step struct {
	Engine   sandbox.Engine
	Registry *tools.Registry // for names and schemas only: nothing of it is run here
	DB       StepStore
}

// Analyst runs one step and stores what it decided. A turn that is stored already is not decided again.
func (a *Step) Analyst(ctx context.Context, in workflows.StepInput) (workflows.StepRef, error) {
	defer alive(ctx)()
	inv, err := a.DB.Investigation(ctx, in.Investigation)
	if err != nil {
		return workflows.StepRef{}, final(err)
	}
	if i := slices.IndexFunc(inv.Turns, func(t investigation.Turn) bool { return t.Number == in.Turn }); i >= 0 {
		return refOf(inv.Turns[i]), nil
	}
	evidence, err := a.DB.EvidenceList(ctx, in.Investigation)
	if err != nil {
		return workflows.StepRef{}, err
	}
	t := transcript(inv, evidence, in.Turn, in.LastTurn, in.Now)
	if err := a.complete(ctx, in.Investigation, t.Turns); err != nil {
		return workflows.StepRef{}, err
	}
	step, err := a.decide(ctx, t, in)
	if err != nil {
		return workflows.StepRef{}, err
	}
	turn := investigation.Turn{Number: in.Turn, Say: step.Say, Calls: step.Calls, Draft: step.Report, At: in.Now}
	if err := a.DB.PutTurn(ctx, in.Investigation, turn); err != nil {
		return workflows.StepRef{}, err
	}
	return refOf(turn), nil
}

// complete stores the turn before this one again, now that its evidence is there, for people who watch.
func (a *Step) complete(ctx context.Context, id string, turns []investigation.Turn) error {
	if len(turns) == 0 {
		return nil
	}
	return a.DB.PutTurn(ctx, id, turns[len(turns)-1])
}

func (a *Step) decide(ctx context.Context, t investigation.Transcript, in workflows.StepInput) (investigation.Step, error) {
	answer, err := a.run(ctx, contract.Request{Step: &t})
	if err != nil {
		return investigation.Step{}, err
	}
	if answer.Step == nil {
		return investigation.Step{}, stepFailed(errors.New("the step gave no answer"))
	}
	if err := validate(*answer.Step, in.Turn, in.LastTurn, a.Registry); err != nil {
		return investigation.Step{}, stepFailed(err)
	}
	return *answer.Step, nil
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
func refOf(t investigation.Turn) workflows.StepRef {
	ref := workflows.StepRef{Say: short(t.Say)}
	for _, c := range t.Calls {
		ref.Calls = append(ref.Calls, workflows.CallRef{ID: c.ID, Tool: c.Tool, Why: short(c.Why), Digest: digest(c.Tool, canonical(c.Arguments))})
	}
	if t.Draft != nil {
		ref.Concludes, ref.Cited = true, cited(*t.Draft)
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
