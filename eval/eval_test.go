package eval_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/eval"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/gate"
	"github.com/midwatch/midwatch/internal/llm/gate/gatetest"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/metadata/metadatatest"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/recorded"
)

// probe is a tool that must never run here: its answers are recorded.
func probe(t *testing.T) *tools.Registry {
	return tools.New(tools.Tool{
		Name: "probe_numbers", Description: "Counts.", DataTypes: []investigation.DataType{investigation.Metrics},
		Schema: json.RawMessage(`{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false}`),
		Run: func(context.Context, tools.Scope, json.RawMessage) (tools.Result, error) {
			t.Error("a tool was run")
			return tools.Result{}, nil
		},
		Control: func(json.RawMessage, investigation.Window) (json.RawMessage, bool) {
			return json.RawMessage(`{"n":0}`), true
		},
	})
}

// counted is a case of probe: 7 is the fault, 0 is healthy, and nothing else was recorded.
func counted() eval.Case {
	now := time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)
	return eval.Case{
		Name: "counted",
		Request: investigation.Request{
			Environment: "recorded", Fault: investigation.Window{From: now.Add(-time.Minute), To: now}, Healthy: investigation.Window{From: now.Add(-time.Hour), To: now.Add(-time.Minute)},
			Triggers: []investigation.Trigger{{ID: "a", Kind: investigation.Alert, Service: "payment", Peers: []string{"cart"}, Summary: "payment fails", Onset: now.Add(-time.Minute), At: now}},
			Budget:   investigation.Budget{Turns: 8, Wall: time.Minute, Tokens: 400_000, Cost: 2_000_000},
		},
		Expect: eval.Expect{Culprits: []telemetry.Entity{"service/payment"}, Mechanisms: []investigation.Mechanism{investigation.BadDeployment}},
		Answers: []recorded.Answer{
			{Tool: "probe_numbers", Arguments: json.RawMessage(`{"n": 7}`), Summary: "saw 7", Result: json.RawMessage(`{"n":7}`)},
			{Tool: "probe_numbers", Arguments: json.RawMessage(`{"n":0}`), Summary: "saw 0", Result: json.RawMessage(`{"n":0}`)},
		},
	}
}

func call(name string, arguments any) llmtest.ToolCall {
	b, _ := json.Marshal(arguments)
	return llmtest.ToolCall{Name: name, Arguments: string(b)}
}

func blame(culprit string) llmtest.ToolCall {
	return call("conclude", map[string]any{
		"verdict": "root_cause", "culprit": culprit, "mechanism": "bad_deployment", "confidence": 0.9, "title": "it broke", "summary": "It did.",
		"claims": []map[string]any{{"text": "seven", "evidence": []string{"e1"}, "checks": []string{`ev["e1"]["n"] == 7`}}},
	})
}

// modelled is a runner whose analyst is a scripted model, in an environment where AI is on or off.
func modelled(t *testing.T, on bool, s llmtest.Script) (*eval.Runner, *metadata.DB, *llmtest.Server) {
	t.Helper()
	return modelledWith(t, probe(t), on, s)
}

// modelledWith is modelled with other tools.
func modelledWith(t *testing.T, registry *tools.Registry, on bool, s llmtest.Script) (*eval.Runner, *metadata.DB, *llmtest.Server) {
	t.Helper()
	server, account := gatetest.Scripted(t, s)
	entry := account.ProviderConfig
	db := metadatatest.Open(t)
	policy := llm.Policy{
		Environment: "prod", Enabled: on, Providers: []string{entry.Name, "another"}, DataTypes: []investigation.DataType{investigation.Metrics},
		Confirmed: []llm.Confirmation{{Provider: entry.Name, Terms: entry.Terms, By: "ann"}},
	}
	if err := db.PutAIPolicy(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	door, err := gate.New(gate.Config{Policies: db, Ledger: db, Accounts: []gate.Account{account}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := eval.New(eval.Config{
		Engine: inside{}, Tools: registry, Analyst: entry.Name, Environment: "prod", Gate: door, Ledger: db,
		Models: &gate.Selector{Policies: db, Accounts: []llm.ProviderConfig{entry}}, PseudonymKey: []byte("a key of tests, for tests alone."),
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, db, server
}

// TestModel: a model investigates as in production. Its report is attacked before it counts, its calls are in the ledger.
func TestModel(t *testing.T) {
	script := func(c llmtest.Call) llmtest.Answer {
		switch c.Number {
		case 1:
			return llmtest.Answer{Text: "I look.", Tools: []llmtest.ToolCall{call("probe_numbers", map[string]any{"n": 7, "why": "to count"})}}
		case 3:
			return llmtest.Answer{Text: "Is it not something else?", Tools: []llmtest.ToolCall{call("probe_numbers", map[string]any{"n": 9, "why": "to doubt"})}}
		}
		return llmtest.Answer{Text: "It is clear.", Tools: []llmtest.ToolCall{blame("service/payment")}}
	}
	r, db, server := modelled(t, true, script)
	got, err := r.Run(t.Context(), counted())
	if err != nil {
		t.Fatal(err)
	}
	if got.Outcome != eval.Right || got.Turns != 4 || got.Calls != 2 || got.Unrecorded != 1 || got.Tokens == 0 || got.Cost == 0 {
		t.Errorf("%+v", got)
	}
	if !strings.HasPrefix(got.Analyst, "model/") || server.Count() != 4 {
		t.Errorf("decided by %q after %d calls", got.Analyst, server.Count())
	}
	entries, _, err := db.Ledger(t.Context(), metadata.LedgerFilter{})
	if err != nil || len(entries) != 4 || slices.ContainsFunc(entries, func(e llm.Entry) bool { return e.Environment != "prod" || e.State != llm.Answered }) {
		t.Errorf("ledger %+v %v", entries, err)
	}
}

// TestModelIsWrong: a confident wrong answer is called one.
func TestModelIsWrong(t *testing.T) {
	r, _, _ := modelled(t, true, func(c llmtest.Call) llmtest.Answer {
		if c.Number == 1 {
			return llmtest.Ask(call("probe_numbers", map[string]any{"n": 7, "why": "to count"}))
		}
		return llmtest.Ask(blame("service/cart"))
	})
	got, err := r.Run(t.Context(), counted())
	if err != nil || got.Outcome != eval.Wrong || got.Culprit != "service/cart" {
		t.Errorf("%+v %v", got, err)
	}
}

// TestAIOffAsksNobody: without an admin's consent a model is not asked, and nobody else answers in its place.
func TestAIOffAsksNobody(t *testing.T) {
	r, _, server := modelled(t, false, llmtest.Sequence(llmtest.Say("hello")))
	got, err := r.Run(t.Context(), counted())
	if err != nil || got.Outcome != eval.Failed || !strings.Contains(got.Why, "switched off") {
		t.Errorf("%+v %v", got, err)
	}
	if ever, _ := server.Connections(); ever != 0 {
		t.Errorf("%d connections", ever)
	}
}

func TestSaveAndLoad(t *testing.T) {
	dir, c := t.TempDir(), counted()
	if err := c.Save(dir); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{dir, filepath.Join(dir, c.Name)} {
		all, err := eval.LoadAll(from)
		if err != nil || len(all) != 1 || all[0].Name != c.Name || len(all[0].Answers) != 2 || all[0].Request.Triggers[0].ID != "a" {
			t.Errorf("%s: %+v %v", from, all, err)
		}
	}
	if _, err := eval.LoadAll(t.TempDir()); err == nil {
		t.Error("an empty directory was read")
	}
}

func TestJudge(t *testing.T) {
	fault := eval.Expect{Culprits: []telemetry.Entity{"service/a", "table/a/b"}, Mechanisms: []investigation.Mechanism{investigation.MemoryLeak}}
	withheld := fault
	withheld.Withheld = "logs"
	report := func(v investigation.Verdict, culprit telemetry.Entity, m investigation.Mechanism, sure float64) investigation.Report {
		return investigation.Report{Verdict: v, Culprit: culprit, Mechanism: m, Confidence: sure}
	}
	for _, c := range []struct {
		name   string
		expect eval.Expect
		report investigation.Report
		want   eval.Outcome
	}{
		{"named", fault, report(investigation.RootCause, "table/a/b", investigation.MemoryLeak, 0.8), eval.Right},
		{"another culprit", fault, report(investigation.RootCause, "service/c", investigation.MemoryLeak, 0.8), eval.Wrong},
		{"another mechanism", fault, report(investigation.RootCause, "service/a", investigation.CrashLoop, 0.8), eval.Wrong},
		{"another culprit, unsure", fault, report(investigation.RootCause, "service/c", investigation.MemoryLeak, 0.4), eval.Inconclusive},
		{"nobody", fault, report(investigation.Inconclusive, "", "", 0.2), eval.Inconclusive},
		{"all is well, it says", fault, report(investigation.NoProblem, "", "", 0.8), eval.Wrong},
		{"nobody, and it could not know", withheld, report(investigation.Inconclusive, "", "", 0.2), eval.Right},
		{"another culprit, though it could not know", withheld, report(investigation.RootCause, "service/c", investigation.MemoryLeak, 0.8), eval.Wrong},
		{"all is well, it says, though it could not know", withheld, report(investigation.NoProblem, "", "", 0.8), eval.Wrong},
		{"healthy", eval.Expect{}, report(investigation.NoProblem, "", "", 0.8), eval.Right},
		{"healthy, unsure", eval.Expect{}, report(investigation.Inconclusive, "", "", 0.2), eval.Right},
		{"healthy, somebody is blamed", eval.Expect{}, report(investigation.RootCause, "service/a", investigation.MemoryLeak, 0.8), eval.Wrong},
	} {
		if got, why := eval.Judge(c.expect, c.report); got != c.want || (why == "") != (got == eval.Right) {
			t.Errorf("%s: %s (%s), want %s", c.name, got, why, c.want)
		}
	}
}
