package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata/metadatatest"
	"github.com/midwatch/midwatch/sandbox"
	"github.com/midwatch/midwatch/sandbox/check"
	"github.com/midwatch/midwatch/sandbox/contract"
	"github.com/midwatch/midwatch/workflows"
)

// without is an engine without walls: what runs inside is the program's own.
type without struct{ err error }

func (w without) Run(_ context.Context, req contract.Request) (contract.Answer, error) {
	if w.err != nil {
		return contract.Answer{}, w.err
	}
	if req.Check != nil {
		r, err := check.Report(*req.Check)
		return contract.Answer{Check: &contract.CheckAnswer{Report: r}}, err
	}
	done, err := check.Program(*req.Program)
	return contract.Answer{Program: &done}, err
}

func TestProgramsRunOverEvidence(t *testing.T) {
	db, ctx := metadatatest.Open(t), t.Context()
	fault := investigation.Window{From: time.Unix(1000, 0).UTC(), To: time.Unix(1060, 0).UTC()}
	if err := db.CreateInvestigation(ctx, investigation.Request{ID: "inv-1", Fault: fault}); err != nil {
		t.Fatal(err)
	}
	for i, e := range []investigation.Evidence{
		{Tool: "statements", Result: json.RawMessage(`{"n":3}`), Window: fault, DataTypes: []investigation.DataType{investigation.Traces}},
		{Tool: "search_logs", Result: json.RawMessage(`{"n":4}`), DataTypes: []investigation.DataType{investigation.Logs}},
		{Tool: "search_logs", Error: "no answer"},
		{Tool: workflows.RunProgramTool, Result: json.RawMessage(`{"result":1}`)},
	} {
		e.Investigation, e.Call = "inv-1", fmt.Sprintf("t1c%d", i+1)
		if _, err := db.PutEvidence(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(program string, evidence ...string) json.RawMessage {
		b, _ := json.Marshal(map[string]any{"program": program, "evidence": evidence})
		return b
	}
	cases := []struct {
		arguments     json.RawMessage
		result, wrong string
	}{
		{ask(`result = ev["e1"]["n"] + ev["e2"]["n"]`, "e1", "e2"), `{"printed":[],"result":7}`, ""},
		{ask(`result = ev["e2"]`, "e1"), "", "failed: line 1"},
		{ask(`result = 1`, "e3"), "", "holds no result"},
		{ask(`result = 1`, "e9"), "", "does not exist"},
		{ask(`result = 1`, "e4"), "", "another program's"},
		{ask(`result = 1`, "e1", "e1"), "", "twice"},
		{json.RawMessage(`{"program":"result = 1","evidence":["e1"],"environment":"other"}`), "", "unknown field"},
	}
	var calls []investigation.ToolCall
	for i, c := range cases {
		calls = append(calls, investigation.ToolCall{ID: fmt.Sprintf("t2c%d", i+1), Tool: workflows.RunProgramTool, Arguments: c.arguments})
	}
	if err := db.PutTurn(ctx, "inv-1", investigation.Turn{Number: 2, Calls: calls}); err != nil {
		t.Fatal(err)
	}
	env := new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment()
	programs := &Programs{Engine: without{}, DB: db}
	env.RegisterActivityWithOptions(programs.Call, activity.RegisterOptions{Name: workflows.RunProgramTool})
	for i, c := range cases {
		if _, err := env.ExecuteActivity(workflows.RunProgramTool, workflows.CallInput{Investigation: "inv-1", Turn: 2, Call: calls[i].ID}); err != nil {
			t.Fatal(err)
		}
		e, err := db.Evidence(ctx, "inv-1", fmt.Sprintf("e%d", 5+i))
		if err != nil {
			t.Fatal(err)
		}
		if string(e.Result) != c.result || (c.wrong == "") != (e.Error == "") || !strings.Contains(e.Error, c.wrong) || e.Digest == "" {
			t.Errorf("%s: got %s, %q", c.arguments, e.Result, e.Error)
		}
		if i == 0 && (!slices.Equal(e.DataTypes, []investigation.DataType{investigation.Logs, investigation.Traces}) || e.Window != fault) {
			t.Errorf("of types %v and window %v, want those of what it read", e.DataTypes, e.Window)
		}
	}

	programs.Engine = without{fmt.Errorf("%w: killed", sandbox.ErrStep)}
	if err := db.PutTurn(ctx, "inv-1", investigation.Turn{Number: 3, Calls: []investigation.ToolCall{{ID: "t3c1", Tool: workflows.RunProgramTool, Arguments: cases[0].arguments}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := env.ExecuteActivity(workflows.RunProgramTool, workflows.CallInput{Investigation: "inv-1", Turn: 3, Call: "t3c1"}); err != nil {
		t.Fatal(err)
	}
	list, err := db.EvidenceList(ctx, "inv-1")
	if last := list[len(list)-1]; err != nil || !strings.Contains(last.Error, "too much memory") {
		t.Errorf("a program that was killed: %+v, %v", last, err)
	}
}

// What a cited program reads is cited, too: its healthy time is asked for, handed to the judge, and a program is as blind
// as what it reads.
func TestProgramsAreJudgedWithWhatTheyRead(t *testing.T) {
	evidence := []investigation.Evidence{
		{ID: "e1", Call: "t1c1", Tool: "statements", Result: json.RawMessage(`{"n":3}`)},
		{ID: "e2", Call: "t2c1", Tool: workflows.RunProgramTool, Arguments: json.RawMessage(`{"program":"result = ev[\"e1\"][\"n\"]","evidence":["e1"]}`), Result: json.RawMessage(`{"result":3,"printed":[]}`)},
		{ID: "e3", Call: "t1c1" + controlSuffix, Tool: "statements", Result: json.RawMessage(`{"n":0}`)},
	}
	draft := investigation.Report{
		Verdict: investigation.RootCause, Culprit: "service/a", Mechanism: investigation.SlowDependency, Confidence: 0.9,
		Chain: []investigation.Claim{{ID: "c1", Text: "x", Evidence: []string{"e2"}, Checks: []investigation.Check{{Expression: `ev["e2"]["result"] >= 3`}}}},
	}
	ref := refOf(investigation.Turn{Draft: &draft}, evidence)
	if !slices.Equal(ref.Cited, []string{"e1", "e2"}) {
		t.Errorf("cited are %v, want what the program reads, too", ref.Cited)
	}
	for name, c := range map[string]struct {
		uncontrolled []string
		verdict      investigation.Verdict
	}{
		"with healthy time":    {nil, investigation.RootCause},
		"without healthy time": {[]string{"e1"}, investigation.Inconclusive},
	} {
		answer, err := without{}.Run(t.Context(), contract.Request{Check: checkRequest(draft, evidence)})
		if err != nil {
			t.Fatal(err)
		}
		r, err := hold(draft, answer.Check.Report, blind(c.uncontrolled, evidence))
		if err != nil || r.Verdict != c.verdict {
			t.Errorf("%s: %s, %+v, %v", name, r.Verdict, r.Chain, err)
		}
	}
}
