package detect_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
	"github.com/midwatch/midwatch/sandbox/analyst/builtin"
	"github.com/midwatch/midwatch/sandbox/check"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// actions are what a configuration offers; the names say nothing of the shop.
func actions(n toolstest.Names) []investigation.Action {
	service := []investigation.Parameter{{Name: "service", Type: investigation.ServiceParameter}}
	shop := []string{n.Gateway, n.Catalog, n.Cart, n.Checkout, n.Payment}
	return []investigation.Action{
		{Name: "restart", Kind: investigation.RestartAction, Parameters: service, Services: shop},
		{Name: "back", Kind: investigation.RollbackVersion, Parameters: service, Services: shop},
		{Name: "settings back", Kind: investigation.RollbackConfig, Parameters: service, Services: shop},
		{Name: "limit", Kind: investigation.RaiseLimit, Parameters: service, Services: []string{n.Redis}},
		{Name: "stop", Kind: investigation.StopProcess, Parameters: []investigation.Parameter{{Name: "process", Type: investigation.ProcessParameter}}},
		{Name: "index", Kind: investigation.CreateIndex, Parameters: []investigation.Parameter{
			{Name: "table", Type: investigation.IdentifierParameter}, {Name: "column", Type: investigation.IdentifierParameter},
		}},
	}
}

// investigate runs the loop of an investigation as the workflow does: steps, tools, control questions, checks.
func investigate(t testing.TB, db *store.DB, req investigation.Request) (investigation.Report, investigation.Transcript) {
	t.Helper()
	return investigateWith(t, tools.All(db), req)
}

// investigateWith is investigate with other tools.
func investigateWith(t testing.TB, registry *tools.Registry, req investigation.Request) (investigation.Report, investigation.Transcript) {
	t.Helper()
	transcript := investigation.Transcript{Request: req, Now: req.Fault.To, Tools: registry.Names()}
	for turn := 1; turn <= 6; turn++ {
		transcript.LastTurn = turn == 6
		step, err := builtin.Step(transcript)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := builtin.Step(transcript)
		if a, b := encode(t, step), encode(t, again); string(a) != string(b) {
			t.Fatalf("turn %d: the same transcript gave two steps:\n%s\n%s", turn, a, b)
		}
		if step.Report != nil {
			return judged(t, registry, req, transcript, *step.Report), transcript
		}
		if len(step.Calls) == 0 {
			t.Fatalf("turn %d asks nothing and concludes nothing", turn)
		}
		done := investigation.Turn{Number: turn, Say: step.Say, Calls: step.Calls, At: req.Fault.To}
		for _, call := range step.Calls {
			e := answer(t, registry, req, call)
			e.ID = fmt.Sprintf("e%d", len(transcript.Evidence)+1)
			transcript.Evidence = append(transcript.Evidence, e)
			done.Evidence = append(done.Evidence, e.ID)
		}
		transcript.Turns = append(transcript.Turns, done)
	}
	t.Fatal("no report after six turns")
	return investigation.Report{}, transcript
}

func answer(t testing.TB, registry *tools.Registry, req investigation.Request, call investigation.ToolCall) investigation.Evidence {
	t.Helper()
	tool, err := registry.Get(call.Tool)
	if err != nil {
		t.Fatal(err)
	}
	res, err := tool.Run(t.Context(), tools.Scope{Environment: req.Environment}, call.Arguments)
	if err != nil {
		t.Fatalf("%s(%s): %v", call.Tool, call.Arguments, err)
	}
	return investigation.Evidence{
		Call: call.ID, Tool: call.Tool, Arguments: call.Arguments, Window: res.Window, Query: res.Query, Summary: res.Summary, Result: encode(t, res.Data),
	}
}

func judged(t testing.TB, registry *tools.Registry, req investigation.Request, transcript investigation.Transcript, r investigation.Report) investigation.Report {
	t.Helper()
	evidence, control := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	for _, e := range transcript.Evidence {
		evidence[e.ID] = e.Result
		tool, _ := registry.Get(e.Tool)
		if arguments, ok := tool.Control(e.Arguments, req.Healthy); ok {
			control[e.ID] = answer(t, registry, req, investigation.ToolCall{Tool: e.Tool, Arguments: arguments}).Result
		}
	}
	out, err := check.Report(contract.CheckRequest{Report: r, Evidence: evidence, Control: control})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// request is what the incident makes of triggers.
func request(n toolstest.Names, triggers []investigation.Trigger, now time.Time) investigation.Request {
	onset := now
	for _, tr := range triggers {
		if tr.Onset.Before(onset) {
			onset = tr.Onset
		}
	}
	return investigation.Request{
		ID: "i1", Incident: "n1", Environment: toolstest.Environment, Requester: "midwatch", Triggers: triggers, Actions: actions(n),
		Fault:   investigation.Window{From: onset.Add(-15 * time.Second), To: now},
		Healthy: investigation.Window{From: onset.Add(-10 * time.Minute), To: onset.Add(-15 * time.Second)},
	}
}

type story struct {
	name      string
	fault     func(n toolstest.Names) toolstest.Fault
	culprit   func(n toolstest.Names) telemetry.Entity // nil: nobody may be blamed
	mechanism investigation.Mechanism
	action    string
	verdict   investigation.Verdict // when nobody is to blame; empty: any but a root cause
}

func serviceOf(pick func(n toolstest.Names) string) func(n toolstest.Names) telemetry.Entity {
	return func(n toolstest.Names) telemetry.Entity { return telemetry.Service(pick(n)) }
}

func table(n toolstest.Names) telemetry.Entity { return telemetry.Table(n.Database, n.Table) }

func payment(n toolstest.Names) string { return n.Payment }

var stories = []story{
	{"missing index", toolstest.MissingIndex, table, investigation.MissingIndex, "index", ""},
	{"writes refused", toolstest.WritesRefused, serviceOf(func(n toolstest.Names) string { return n.Redis }), investigation.WritesRefused, "limit", ""},
	{"bad deployment", toolstest.BadDeployment, serviceOf(payment), investigation.BadDeployment, "back", ""},
	{
		"cpu contention", func(n toolstest.Names) toolstest.Fault { return toolstest.CPUContention(n, "cruncher") },
		serviceOf(func(toolstest.Names) string { return "cruncher" }), investigation.CPUContention, "stop", "",
	},
	{"memory leak", toolstest.MemoryLeak, serviceOf(func(n toolstest.Names) string { return n.Checkout }), investigation.MemoryLeak, "restart", ""},
	{
		"pool exhausted", func(n toolstest.Names) toolstest.Fault { return toolstest.PoolExhausted(n, true) },
		serviceOf(func(n toolstest.Names) string { return n.Cart }), investigation.PoolExhausted, "restart", "",
	},
	{
		"pool exhausted, without a log", func(n toolstest.Names) toolstest.Fault { return toolstest.PoolExhausted(n, false) },
		serviceOf(func(n toolstest.Names) string { return n.Cart }), investigation.PoolExhausted, "restart", "",
	},
	{
		"wrong configuration", toolstest.WrongConfiguration, serviceOf(func(n toolstest.Names) string { return n.Checkout }),
		investigation.WrongConfiguration, "settings back", "",
	},
	{"slow payment, no rule", toolstest.SlowPayment, serviceOf(payment), investigation.SlowDependency, "", ""},
	{"table gone, no rule", toolstest.TableGone, table, investigation.FailingDependency, "", ""},
	{"payment down", toolstest.PaymentDown, serviceOf(payment), investigation.DependencyDown, "restart", ""},
	{"missing index beside a harmless deployment", func(n toolstest.Names) toolstest.Fault {
		return toolstest.MissingIndex(n).With(toolstest.HarmlessDeployment(n))
	}, table, investigation.MissingIndex, "index", ""},
	{"bad deployment beside harmless warnings", func(n toolstest.Names) toolstest.Fault {
		return toolstest.BadDeployment(n).With(toolstest.HarmlessWarnings(n))
	}, serviceOf(payment), investigation.BadDeployment, "back", ""},
	{"writes refused beside a harmless deployment", func(n toolstest.Names) toolstest.Fault {
		return toolstest.WritesRefused(n).With(toolstest.HarmlessDeployment(n))
	}, serviceOf(func(n toolstest.Names) string { return n.Redis }), investigation.WritesRefused, "limit", ""},
	{"harmless deployment", toolstest.HarmlessDeployment, nil, "", "", investigation.NoProblem},
	{"harmless warnings", toolstest.HarmlessWarnings, nil, "", "", investigation.NoProblem},
}

// record keeps the transcripts of some stories for the built-in analyst's own tests.
var record = flag.Bool("record", false, "write transcripts to the built-in analyst's testdata")

// recorded are the stories worth keeping, by directory.
var recorded = map[string]string{"missing index": "missing_index", "wrong configuration": "wrong_configuration"}

func keep(t *testing.T, name string, transcript investigation.Transcript) {
	t.Helper()
	dir, wanted := recorded[name]
	if !*record || !wanted {
		return
	}
	dir = filepath.Join("../../sandbox/analyst/builtin/testdata", dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "transcript.json"), encode(t, transcript), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestStories(t *testing.T) {
	for i, s := range stories {
		n := toolstest.Odd
		if i%2 == 0 {
			n = toolstest.Plain
		}
		t.Run(s.name, func(t *testing.T) { tell(t, s, n, uint64(i)) })
	}
}

func tell(t *testing.T, s story, n toolstest.Names, seed uint64) {
	db := storetest.Open(t)
	faultAt := start.Add(45 * time.Second)
	shop := toolstest.New(n, seed, start, faultAt, s.fault(n))
	d := newDetector(t, db)
	raised, at := scan(t, db, d, shop, start, faultAt.Add(45*time.Second))
	if at.IsZero() {
		if s.culprit != nil {
			t.Fatal("nothing was raised")
		}
		// Somebody asks, or the deployment is verified.
		at = faultAt.Add(45 * time.Second)
		if len(raised) == 0 {
			raised = []investigation.Trigger{{ID: "m", Kind: investigation.Manual, Onset: faultAt, At: at}}
		}
	}
	const settle = 6 * time.Second
	shop.Run(at.Add(-lag), at.Add(settle))
	shop.Write(t, db)
	raised = append(raised, evaluate(t, d, at.Add(5*time.Second))...)

	r, transcript := investigate(t, db, request(n, raised, at.Add(settle)))
	if size := len(encode(t, transcript)); size > 1<<20 {
		t.Errorf("the transcript is %d bytes", size)
	}
	keep(t, s.name, transcript)
	t.Logf("%s, %.2f: %s\n%s", r.Verdict, r.Confidence, r.Title, r.Summary)
	for _, c := range r.Chain {
		t.Logf("  %s %s", c.ID, c.Text)
		if c.Struck != "" {
			t.Errorf("claim %s was struck: %s", c.ID, c.Struck)
		}
		for _, k := range c.Checks {
			t.Logf("      %v %v %s %s", k.Holds, k.Counts, k.Expression, k.Note)
		}
	}
	if s.culprit == nil {
		if r.Verdict == investigation.RootCause || s.verdict != "" && r.Verdict != s.verdict {
			t.Errorf("verdict is %s (%s, %s), want %s", r.Verdict, r.Culprit, r.Mechanism, s.verdict)
		}
		return
	}
	if r.Verdict != investigation.RootCause || r.Culprit != s.culprit(n) || r.Mechanism != s.mechanism {
		t.Fatalf("got %s %s %s (%.2f), want %s %s; missing %s", r.Verdict, r.Culprit, r.Mechanism, r.Confidence, s.culprit(n), s.mechanism,
			strings.Join(r.Missing, "; "))
	}
	if r.Confidence < 0.5 {
		t.Errorf("confidence is %.2f", r.Confidence)
	}
	switch {
	case r.Fix == nil && s.action != "":
		t.Errorf("no fix, want %s", s.action)
	case r.Fix != nil && r.Fix.Action != s.action:
		t.Errorf("fix is %s, want %q", r.Fix.Action, s.action)
	case r.Fix != nil:
		t.Logf("  fix: %s %v", r.Fix.Action, r.Fix.Parameters)
	}
}
