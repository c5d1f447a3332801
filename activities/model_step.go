package activities

import (
	"context"
	"errors"
	"slices"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/sandbox/contract"
	"github.com/midwatch/midwatch/workflows"
)

// maxAsks is how often a model may be asked in one turn.
const maxAsks = workflows.MaxAsks

const withheld = "withheld: policy keeps this kind of data from models"

// byModel runs the step that speaks for a model. It returns nil when the model must be asked first: the step's prompt is
// then stored for the model role, with the types of the data that may be in it.
func (a *Step) byModel(ctx context.Context, t investigation.Transcript, in workflows.StepInput, account llm.ProviderConfig, policy llm.Policy) (*investigation.Step, error) {
	exchanges, err := a.answers(ctx, in.Investigation)
	if err != nil {
		return nil, err
	}
	seen := censored(t, policy)
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

// censored is a transcript without what policy keeps from models. Triggers are made from metrics, reports of the past from
// whatever they rest on.
func censored(t investigation.Transcript, p llm.Policy) investigation.Transcript {
	t.Evidence = slices.Clone(t.Evidence)
	for i, e := range t.Evidence {
		if !p.Allows(e.DataTypes...) {
			t.Evidence[i].Result, t.Evidence[i].Summary, t.Evidence[i].Query, t.Evidence[i].Error = nil, "", "", withheld
		}
	}
	t.Request.Past = slices.DeleteFunc(slices.Clone(t.Request.Past), func(o investigation.PastIncident) bool {
		return !p.Allows(pastTypes(o)...)
	})
	if p.Allows(investigation.Metrics) {
		return t
	}
	t.Request.Triggers = slices.Clone(t.Request.Triggers)
	for i, trigger := range t.Request.Triggers {
		t.Request.Triggers[i] = investigation.Trigger{
			ID: trigger.ID, Kind: trigger.Kind, Environment: trigger.Environment, Rule: trigger.Rule, Entity: trigger.Entity,
			Service: trigger.Service, Severity: trigger.Severity, Summary: withheld, Onset: trigger.Onset, At: trigger.At,
		}
	}
	return t
}

// pastTypes are the data types of a past incident; one that does not say may be made of anything.
func pastTypes(o investigation.PastIncident) []investigation.DataType {
	if o.DataTypes == nil {
		return investigation.DataTypes()
	}
	return o.DataTypes
}

// dataTypes are those of everything in a transcript.
func dataTypes(t investigation.Transcript) []investigation.DataType {
	var types []investigation.DataType
	for _, trigger := range t.Request.Triggers {
		if trigger.Summary != withheld {
			types = append(types, investigation.Metrics)
		}
	}
	for _, e := range t.Evidence {
		if e.Error != withheld {
			types = append(types, e.DataTypes...)
		}
	}
	for _, o := range t.Request.Past {
		types = append(types, pastTypes(o)...)
	}
	slices.Sort(types)
	return slices.Compact(types)
}
