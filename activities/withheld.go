package activities

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/rules"
)

const withheld = "withheld: policy keeps this kind of data from models"

// censored is a transcript without what policy keeps from models. What was said of it is still there: wordless takes it out.
func censored(t investigation.Transcript, p llm.Policy) investigation.Transcript {
	t.Evidence = slices.Clone(t.Evidence)
	for i, e := range t.Evidence {
		if !p.Allows(e.DataTypes...) {
			t.Evidence[i].Result, t.Evidence[i].Summary, t.Evidence[i].Query, t.Evidence[i].Error = nil, "", "", withheld
			t.Evidence[i].Arguments = json.RawMessage(`{}`) // what is looked for was seen somewhere
		}
	}
	t.Request.Past = slices.DeleteFunc(slices.Clone(t.Request.Past), func(o investigation.PastIncident) bool {
		return !p.Allows(pastTypes(o)...)
	})
	t.Request.Triggers = slices.Clone(t.Request.Triggers)
	for i, trigger := range t.Request.Triggers {
		if p.Allows(triggerTypes(trigger)...) {
			continue
		}
		t.Request.Triggers[i] = investigation.Trigger{
			ID: trigger.ID, Kind: trigger.Kind, Environment: trigger.Environment, Rule: trigger.Rule, Entity: trigger.Entity,
			Service: trigger.Service, Severity: trigger.Severity, Summary: withheld, Onset: trigger.Onset, At: trigger.At,
		}
	}
	return t
}

// triggerTypes are the data types that a trigger's words and numbers are made of.
func triggerTypes(t investigation.Trigger) []investigation.DataType {
	switch t.Kind {
	case investigation.Manual:
		return nil // a person's words
	case investigation.Deployment:
		return []investigation.DataType{investigation.Configuration}
	case investigation.ClusterEvent:
		return []investigation.DataType{investigation.Cluster}
	}
	types := []investigation.DataType{investigation.Metrics}
	if t.Attributes["operation"] != "" {
		types = append(types, investigation.Traces)
	}
	if strings.Contains(t.Rule, "/") && !rules.IsAlert(t.Rule) { // of another system, whose annotations hold whatever its rules put there
		types = append(types, investigation.Logs)
	}
	return types
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
			types = append(types, triggerTypes(trigger)...)
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

// spoken are the turns that a model is told: those that rest on what policy keeps from models are left without words. A model's
// turn rests on what its prompts held, which the ledger knows, any other on all there is.
func (a *Step) spoken(ctx context.Context, t, seen investigation.Transcript, p llm.Policy) ([]investigation.Turn, error) {
	all := dataTypes(t)
	if p.Allows(all...) {
		return seen.Turns, nil
	}
	turns := slices.Clone(seen.Turns)
	for i, turn := range turns {
		types := all
		if turn.Analyst == investigation.AnalystModel {
			prompted, err := a.prompted(ctx, t.Request.ID, turn.Number)
			if err != nil {
				return nil, err
			}
			if prompted != nil {
				types = prompted
			}
		}
		if !p.Allows(types...) {
			turns[i] = bare(turn, seen.Evidence)
		}
	}
	return turns, nil
}

// prompted are the data types of what a model was asked in a turn; nil where nothing is known of it any more.
func (a *Step) prompted(ctx context.Context, id string, turn int) ([]investigation.DataType, error) {
	var types []investigation.DataType
	for ask := 1; ask <= maxAsks; ask++ {
		entries, err := a.DB.Attempts(ctx, llm.Call{Investigation: id, Turn: turn, Ask: ask})
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			types = append(types, e.DataTypes...)
		}
	}
	return types, nil
}

// bare is a turn without what was said in it, and without the calls whose evidence is withheld. What it concluded is kept as far
// as it rests on evidence that is shown.
func bare(t investigation.Turn, evidence []investigation.Evidence) investigation.Turn {
	out := investigation.Turn{Number: t.Number, Analyst: t.Analyst, At: t.At, Draft: partial(t.Draft, evidence)}
	for n, c := range t.Calls {
		if n < len(t.Evidence) && shown(evidence, t.Evidence[n]) {
			out.Calls = append(out.Calls, investigation.ToolCall{ID: c.ID, Tool: c.Tool, Arguments: c.Arguments})
			out.Evidence = append(out.Evidence, t.Evidence[n])
		}
	}
	return out
}

// wordless are bare turns, as far as anything is left of them.
func wordless(turns []investigation.Turn, evidence []investigation.Evidence) []investigation.Turn {
	var out []investigation.Turn
	for _, t := range turns {
		if b := bare(t, evidence); len(b.Calls) > 0 {
			b.Draft = nil
			out = append(out, b)
		}
	}
	return out
}
