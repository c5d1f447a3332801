package demo

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/midwatch/midwatch/deploy/shop/judge"
	"github.com/midwatch/midwatch/deploy/shop/plan"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/sandbox/analyst/model"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// offered is the registry as a model sees it.
func offered() []llm.Tool {
	registry := tools.All(nil)
	var out []llm.Tool
	for _, name := range registry.Names() {
		if t, err := registry.Get(name); err == nil {
			out = append(out, llm.Tool{Name: t.Name, Description: t.Description, Schema: t.Schema})
		}
	}
	return out
}

// TestScriptIsUnderstood plays the script against the step that reads models, on evidence of the same tools: it must never
// be corrected, and must conclude in its third turn.
func TestScriptIsUnderstood(t *testing.T) {
	read := func(name string, into any) {
		t.Helper()
		b, err := os.ReadFile(filepath.Join("../../sandbox/analyst/builtin/testdata/wrong_configuration", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, into); err != nil {
			t.Fatal(err)
		}
	}
	var recorded investigation.Transcript
	var found investigation.Report
	read("transcript.json", &recorded)
	read("report.json", &found)
	s := script{judge.Fault{Culprits: []string{string(found.Culprit)}, Mechanisms: []string{string(found.Mechanism)}, Story: "It broke."}, plan.Default()}

	played := investigation.Transcript{Request: recorded.Request, Now: recorded.Now}
	played.Request.Budget.Turns = 8
	var exchanges []contract.Exchange
	for turn := 1; turn <= 3; turn++ {
		request := contract.ModelRequest{
			Transcript: played, Stage: contract.Investigate, Tools: offered(), Model: "scripted-1", Context: 200_000, MaxTokens: 4096, Exchanges: exchanges, AsksLeft: 2,
		}
		asked, err := model.Step(request)
		if err != nil || asked.Ask == nil {
			t.Fatalf("turn %d: %+v, %v", turn, asked, err)
		}
		exchanges = append(exchanges, contract.Exchange{Turn: turn, Response: response(s.answer(llmtest.Call{Number: turn, Request: *asked.Ask}))})
		request.Exchanges, request.AsksLeft = exchanges, 1
		decided, err := model.Step(request)
		if err != nil || decided.Step == nil {
			t.Fatalf("turn %d is corrected: %+v, %v", turn, decided, err)
		}
		done := investigation.Turn{Number: turn, Say: decided.Step.Say, Calls: decided.Step.Calls, Draft: decided.Step.Report}
		for _, c := range decided.Step.Calls {
			for _, e := range recorded.Evidence {
				if e.Tool == c.Tool {
					e.Call = c.ID
					played.Evidence, done.Evidence = append(played.Evidence, e), append(done.Evidence, e.ID)
				}
			}
		}
		played.Turns = append(played.Turns, done)
	}
	if draft := played.Turns[2].Draft; draft == nil || draft.Culprit != found.Culprit || draft.Verdict != investigation.RootCause {
		t.Errorf("the third turn decided %+v", played.Turns[2])
	}
}

func response(a llmtest.Answer) llm.Response {
	m := llm.Message{Role: llm.Assistant, Parts: []llm.Part{{Text: a.Text}}}
	for _, c := range a.Tools {
		m.Parts = append(m.Parts, llm.Part{ToolUse: &llm.ToolUse{ID: c.Name, Name: c.Name, Arguments: json.RawMessage(c.Arguments)}})
	}
	return llm.Response{Message: m, Stop: llm.StopTools}
}
