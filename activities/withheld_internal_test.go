package activities

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/sandbox/analyst/model"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// prompts is a ledger that knows what the prompts of turns held.
type prompts struct {
	StepStore
	held map[int][]investigation.DataType
}

func (p prompts) Attempts(_ context.Context, c llm.Call) ([]llm.Entry, error) {
	if types := p.held[c.Turn]; types != nil && c.Ask == 1 {
		return []llm.Entry{{DataTypes: types}}, nil
	}
	return nil, nil
}

// TestWithdrawnDataLeavesInNoWords: after logs are switched off nothing of them leaves, whoever told of them where, and the
// types on record are those of what leaves.
func TestWithdrawnDataLeavesInNoWords(t *testing.T) {
	now := time.Now()
	call := func(id, tool string) investigation.ToolCall {
		return investigation.ToolCall{ID: id, Tool: tool, Arguments: json.RawMessage(`{"text":"WORD-` + tool + `"}`), Why: "to count WORD-" + tool}
	}
	told := investigation.Transcript{
		Now: now, Request: investigation.Request{ID: "inv-1", Environment: "prod", Fault: investigation.Window{From: now.Add(-time.Minute), To: now}, Triggers: []investigation.Trigger{
			{ID: "d", Kind: investigation.Deployment, Rule: "deployment", Service: "pay", Summary: "pay: changed (WORD-configuration)", Onset: now},
			{ID: "o", Kind: investigation.ClusterEvent, Rule: "oom", Service: "pay", Summary: "WORD-cluster", Onset: now},
			{ID: "a", Kind: investigation.Alert, Rule: "latency p95", Service: "pay", Summary: "WORD-operation", Attributes: map[string]string{"operation": "WORD-operation"}, Onset: now},
			{ID: "h", Kind: investigation.Alert, Rule: "alertmanager/Down", Service: "pay", Summary: "WORD-annotation", Onset: now},
			{ID: "m", Kind: investigation.Alert, Rule: "error ratio", Service: "pay", Summary: "KEPT-alert", Onset: now},
		}},
		Turns: []investigation.Turn{
			{Number: 1, Analyst: investigation.AnalystModel, Say: "KEPT-first", Calls: []investigation.ToolCall{{ID: "t1c1", Tool: "metrics", Arguments: json.RawMessage(`{"text":"KEPT-argument"}`), Why: "KEPT-why"}, call("t1c2", "search_logs")}, Evidence: []string{"e1", "e2"}},
			{Number: 2, Analyst: investigation.AnalystModel, Say: "The log says WORD-said.", Calls: []investigation.ToolCall{call("t2c1", "search_logs"), {ID: "t2c2", Tool: "metrics", Arguments: json.RawMessage(`{"text":"KEPT-more"}`), Why: "WORD-why"}}, Evidence: []string{"e3", "e1"}},
		},
		Evidence: []investigation.Evidence{
			{ID: "e1", Call: "t1c1", Tool: "metrics", Result: json.RawMessage(`{"n":1}`), DataTypes: []investigation.DataType{investigation.Metrics}},
			{ID: "e2", Call: "t1c2", Tool: "search_logs", Arguments: json.RawMessage(`{"text":"WORD-2"}`), Result: json.RawMessage(`{"lines":["WORD-line"]}`), Summary: "WORD", DataTypes: []investigation.DataType{investigation.Logs}},
			{ID: "e3", Call: "t2c1", Tool: "search_logs", Arguments: json.RawMessage(`{"text":"WORD-3"}`), Result: json.RawMessage(`{"lines":["WORD-line"]}`), Summary: "WORD", DataTypes: []investigation.DataType{investigation.Logs}},
		},
	}
	metrics := []investigation.DataType{investigation.Metrics}
	a := &Step{DB: prompts{held: map[int][]investigation.DataType{1: metrics, 2: {investigation.Logs, investigation.Metrics}}}}
	p := llm.Policy{DataTypes: metrics}
	seen := censored(told, p)
	var err error
	if seen.Turns, err = a.spoken(t.Context(), told, seen, p); err != nil {
		t.Fatal(err)
	}
	prompt := asked1(t, seen)
	// A call that was decided on metrics alone is told of; what it found is not.
	for _, gone := range []string{"WORD-said", "WORD-line", "WORD-why", "WORD-configuration", "WORD-cluster", "WORD-operation", "WORD-annotation", "WORD-2", "WORD-3"} {
		if strings.Contains(prompt, gone) {
			t.Errorf("%s leaves", gone)
		}
	}
	for _, kept := range []string{"KEPT-first", "KEPT-argument", "KEPT-why", "KEPT-more", "KEPT-alert"} {
		if !strings.Contains(prompt, kept) {
			t.Errorf("%s is lost", kept)
		}
	}
	if got := dataTypes(seen); !slices.Equal(got, metrics) {
		t.Errorf("on record: %v", got)
	}
	all := llm.Policy{DataTypes: investigation.DataTypes()}
	seen = censored(told, all)
	if seen.Turns, err = a.spoken(t.Context(), told, seen, all); err != nil || !strings.Contains(asked1(t, seen), "WORD-said") {
		t.Errorf("where all is allowed nothing is withheld: %v", err)
	}
	if got, want := dataTypes(seen), []investigation.DataType{investigation.Cluster, investigation.Configuration, investigation.Logs, investigation.Metrics, investigation.Traces}; !slices.Equal(got, want) {
		t.Errorf("on record: %v, want %v", got, want)
	}
}

// TestWordsOfAnUnknownPromptAreWithheld: a turn whose ledger is gone, or that no model spoke, rests on all there is.
func TestWordsOfAnUnknownPromptAreWithheld(t *testing.T) {
	told := investigation.Transcript{
		Turns:    []investigation.Turn{{Number: 1, Analyst: investigation.AnalystModel, Say: "x", Draft: &investigation.Report{Title: "y", Chain: []investigation.Claim{{ID: "c1", Text: "z", Evidence: []string{"e1"}}}}}, {Number: 2, Analyst: investigation.AnalystBuiltin, Say: "x"}},
		Evidence: []investigation.Evidence{{ID: "e1", DataTypes: []investigation.DataType{investigation.Logs}}},
	}
	p := llm.Policy{DataTypes: []investigation.DataType{investigation.Metrics}}
	turns, err := (&Step{DB: prompts{}}).spoken(t.Context(), told, censored(told, p), p)
	if err != nil || len(turns) != 2 || turns[0].Say+turns[1].Say != "" || turns[0].Draft == nil || turns[0].Draft.Title == "y" || len(turns[0].Draft.Chain) != 0 {
		t.Errorf("%+v, %v", turns, err)
	}
}

// asked1 is the prompt that the model step makes.
func asked1(t *testing.T, seen investigation.Transcript) string {
	t.Helper()
	req := contract.ModelRequest{Transcript: seen, Stage: contract.Investigate, Model: "m", Context: 100000, MaxTokens: 4096, AsksLeft: 2}
	answer, err := model.Step(req)
	if err != nil || answer.Ask == nil {
		t.Fatal(err)
	}
	if err := validAsk(*answer.Ask, req, []string{"metrics", "search_logs"}); err != nil {
		t.Error(err)
	}
	b, err := json.Marshal(answer.Ask)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestPromptsThatCannotBe: names and ids are not redacted, so those that the sandbox makes up do not leave.
func TestPromptsThatCannotBe(t *testing.T) {
	req := contract.ModelRequest{Model: "m", MaxTokens: 10, Tools: []llm.Tool{{Name: "search_logs"}}}
	good := func() llm.Request {
		return llm.Request{Model: "m", MaxTokens: 10, Tools: []llm.Tool{{Name: "search_logs"}, {Name: "conclude"}}, Messages: []llm.Message{
			{Role: llm.Assistant, Parts: []llm.Part{{ToolUse: &llm.ToolUse{ID: "t1c1", Name: "search_logs"}}}},
			{Role: llm.User, Parts: []llm.Part{{ToolResult: &llm.ToolResult{ID: "t1c1", Text: "x"}}}},
		}}
	}
	if err := validAsk(good(), req, []string{"search_logs"}); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*llm.Request){
		"another model":       func(q *llm.Request) { q.Model = "m2" },
		"a longer answer":     func(q *llm.Request) { q.MaxTokens = 11 },
		"a tool not offered":  func(q *llm.Request) { q.Tools[0].Name = "jsmith" },
		"a tool twice":        func(q *llm.Request) { q.Tools[0].Name = "conclude" },
		"a name in an id":     func(q *llm.Request) { q.Messages[0].Parts[0].ToolUse.ID = "jsmith" },
		"a name as a tool":    func(q *llm.Request) { q.Messages[0].Parts[0].ToolUse.Name = "jsmith" },
		"a name in an answer": func(q *llm.Request) { q.Messages[1].Parts[0].ToolResult.ID = "t1c1jsmith" },
		"a third side":        func(q *llm.Request) { q.Messages[0].Role = "system" },
		"too much":            func(q *llm.Request) { q.System = strings.Repeat("x", maxPrompt) },
	} {
		q := good()
		change(&q)
		if validAsk(q, req, []string{"search_logs"}) == nil {
			t.Errorf("%s is let through", name)
		}
	}
}
