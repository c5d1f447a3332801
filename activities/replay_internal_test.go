package activities

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata/metadatatest"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/recorded"
	"github.com/midwatch/midwatch/workflows"
)

// TestReplayedCalls: a replay's calls, and their healthy counterparts, are answered from the evidence of then, without running
// a tool; what was not asked then is not recorded.
func TestReplayedCalls(t *testing.T) {
	db, ctx := metadatatest.Open(t), t.Context()
	fault := investigation.Window{From: time.Unix(1000, 0).UTC(), To: time.Unix(1060, 0).UTC()}
	for _, r := range []investigation.Request{{ID: "inv-1", Fault: fault}, {ID: "inv-2", Fault: fault, Replays: "inv-1", Analyst: "builtin"}} {
		if err := db.CreateInvestigation(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	for call, e := range map[string]investigation.Evidence{
		"t1c1":         {Arguments: json.RawMessage(`{"n":7}`), Result: json.RawMessage(`{"n":7}`), Summary: "saw 7", Window: fault},
		"t1c1/control": {Arguments: json.RawMessage(`{"n":0}`), Result: json.RawMessage(`{"n":0}`), Summary: healthyTime + "saw 0"},
	} {
		e.Investigation, e.Call, e.Tool = "inv-1", call, "count"
		if _, err := db.PutEvidence(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	calls := []investigation.ToolCall{
		{ID: "t1c1", Tool: "count", Arguments: json.RawMessage(`{ "n": 7 }`)}, {ID: "t1c2", Tool: "count", Arguments: json.RawMessage(`{"n":8}`)},
	}
	if err := db.PutTurn(ctx, "inv-2", investigation.Turn{Number: 1, Calls: calls}); err != nil {
		t.Fatal(err)
	}
	run := &Tools{DB: db, Registry: tools.New(tools.Tool{
		Name: "count",
		Run: func(context.Context, tools.Scope, json.RawMessage) (tools.Result, error) {
			t.Error("the tool was run")
			return tools.Result{}, nil
		},
		Control: func(json.RawMessage, investigation.Window) (json.RawMessage, bool) {
			return json.RawMessage(`{"n":0}`), true
		},
	})}
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivityWithOptions(run.Call, activity.RegisterOptions{Name: "count"})
	env.RegisterActivityWithOptions(run.Control, activity.RegisterOptions{Name: workflows.ControlEvidenceActivity})
	for _, c := range calls {
		if _, err := env.ExecuteActivity("count", workflows.CallInput{Investigation: "inv-2", Turn: 1, Call: c.ID}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := env.ExecuteActivity(workflows.ControlEvidenceActivity, workflows.ControlInput{Investigation: "inv-2", Evidence: "e1"}); err != nil {
		t.Fatal(err)
	}
	list, err := db.EvidenceList(ctx, "inv-2")
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v %v", list, err)
	}
	if e := list[0]; string(e.Result) != `{"n":7}` || e.Summary != "saw 7" || e.Window != fault {
		t.Errorf("answered %+v", e)
	}
	if e := list[1]; !strings.HasPrefix(e.Error, recorded.NotRecorded) || e.Result != nil {
		t.Errorf("what was not asked: %+v", e)
	}
	if e := list[2]; string(e.Result) != `{"n":0}` || e.Summary != healthyTime+"saw 0" {
		t.Errorf("healthy time: %+v", e)
	}
}
