package activities

import (
	"context"
	"errors"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/sandbox/contract"
	"github.com/midwatch/midwatch/workflows"
)

// maxAsks is how often a model may be asked in one turn.
const maxAsks = workflows.MaxAsks

// byModel runs the step that speaks for a model. It returns nil when the model must be asked first: the step's prompt is
// then stored for the model role, with the types of the data that may be in it.
func (a *Step) byModel(ctx context.Context, t investigation.Transcript, in workflows.StepInput, account llm.ProviderConfig, policy llm.Policy) (*investigation.Step, error) {
	exchanges, err := a.answers(ctx, in.Investigation)
	if err != nil {
		return nil, err
	}
	seen := censored(t, policy)
	if seen.Turns, err = a.spoken(ctx, t, seen, policy); err != nil {
		return nil, err
	}
	registry := a.Registry.Only(func(t tools.Tool) bool { return policy.Allows(t.DataTypes...) })
	req := &contract.ModelRequest{
		Transcript: seen, Stage: contract.Investigate, Tools: offered(registry), Model: account.Model,
		Context: account.Context, MaxTokens: account.MaxTokens, Exchanges: exchanges, AsksLeft: maxAsks - in.Asked,
	}
	if in.Refute {
		req.Stage = contract.Refute
	}
	answer, err := a.run(ctx, contract.Request{Model: req})
	switch {
	case err != nil:
		return nil, err
	case answer.Model == nil || (answer.Model.Ask == nil) == (answer.Model.Step == nil):
		return nil, stepFailed(errors.New("the step neither asks the model nor decides"))
	case answer.Model.Step != nil:
		if err := validate(*answer.Model.Step, in.Turn, in.LastTurn, registry); err != nil {
			return nil, stepFailed(err)
		}
		return answer.Model.Step, nil
	}
	if req.AsksLeft <= 0 {
		return nil, stepFailed(errors.New("the step asks the model more often than it may"))
	}
	if err := validAsk(*answer.Model.Ask, *req, a.Registry.Names()); err != nil {
		return nil, stepFailed(err)
	}
	call := llm.Call{Investigation: in.Investigation, Turn: in.Turn, Ask: in.Asked + 1}
	return nil, a.DB.PutAsk(ctx, call, llm.StoredAsk{Request: *answer.Model.Ask, DataTypes: dataTypes(seen)})
}

// answers are a model's, with the pseudonyms that it knows turned back: the step compares them with evidence.
func (a *Step) answers(ctx context.Context, id string) ([]contract.Exchange, error) {
	exchanges, err := a.DB.Exchanges(ctx, id)
	if err != nil {
		return nil, err
	}
	names, err := a.DB.Pseudonyms(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, e := range exchanges {
		for i, part := range e.Response.Message.Parts {
			part.Text = names.Resolve(part.Text)
			if use := part.ToolUse; use != nil {
				part.ToolUse = &llm.ToolUse{ID: use.ID, Name: use.Name, Arguments: names.ResolveJSON(use.Arguments)}
			}
			e.Response.Message.Parts[i] = part
		}
	}
	return exchanges, nil
}

// offered is how a model sees the tools.
func offered(r *tools.Registry) []llm.Tool {
	var out []llm.Tool
	for _, name := range r.Names() {
		if t, err := r.Get(name); err == nil {
			out = append(out, llm.Tool{Name: t.Name, Description: t.Description, Schema: t.Schema})
		}
	}
	return out
}
