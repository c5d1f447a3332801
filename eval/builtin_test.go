package eval_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/sandbox/analyst/builtin"
	"github.com/midwatch/midwatch/sandbox/analyst/model"
	"github.com/midwatch/midwatch/sandbox/check"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// inside is the sandboxed program without the sandbox.
type inside struct{}

func (inside) Run(_ context.Context, req contract.Request) (contract.Answer, error) {
	switch {
	case req.Check != nil:
		report, err := check.Report(*req.Check)
		return contract.Answer{Check: &contract.CheckAnswer{Report: report}}, err
	case req.Model != nil:
		answer, err := model.Step(*req.Model)
		return contract.Answer{Model: &answer}, err
	case req.Program != nil:
		answer, err := check.Program(*req.Program)
		return contract.Answer{Program: &answer}, err
	default:
		step, err := builtin.Step(*req.Step)
		return contract.Answer{Step: &step}, err
	}
}

// builtinCalls are the calls the built-in analyst makes, until it concludes.
func builtinCalls(t *testing.T, r investigation.Request, registry *tools.Registry) []investigation.ToolCall {
	t.Helper()
	var calls []investigation.ToolCall
	transcript := investigation.Transcript{Request: r, Now: r.Fault.To}
	for turn := 1; turn <= r.Budget.Turns; turn++ {
		step, err := builtin.Step(transcript)
		if err != nil {
			t.Fatal(err)
		}
		if step.Report != nil {
			return calls
		}
		done := investigation.Turn{Number: turn, Calls: step.Calls}
		for _, c := range step.Calls {
			tool, err := registry.Get(c.Tool)
			if err != nil {
				t.Fatal(err)
			}
			result, err := tool.Run(t.Context(), tools.Scope{Environment: r.Environment}, c.Arguments)
			if err != nil {
				t.Fatalf("%s %s: %v", c.Tool, c.Arguments, err)
			}
			data, err := json.Marshal(result.Data)
			if err != nil {
				t.Fatal(err)
			}
			e := investigation.Evidence{ID: fmt.Sprintf("e%d", len(calls)+1), Call: c.ID, Tool: c.Tool, Arguments: c.Arguments, Window: result.Window, Result: data}
			transcript.Evidence, done.Evidence = append(transcript.Evidence, e), append(done.Evidence, e.ID)
			calls = append(calls, c)
		}
		transcript.Turns = append(transcript.Turns, done)
	}
	t.Fatal("the built-in analyst did not conclude")
	return nil
}
