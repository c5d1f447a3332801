package model

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/sandbox/check"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// good is a model that works as the prompt asks.
func good(conclusion args) scripted {
	turn := 0
	return func(llm.Request) llm.Response {
		turn++
		switch turn {
		case 1:
			return says("First what differs, what changed and how the machine is.",
				wish("compare_windows", args{"why": "Which services differ?"}),
				wish("recent_changes", args{"why": "What changed?", "from": "2026-03-01T11:50:45Z"}),
				wish("host_resources", args{"why": "Is the machine short of anything?"}))
		case 2:
			return says("The deepest bad service is the database.", wish("statements", args{"why": "Which statement?"}),
				wish("search_logs", args{"why": "What does it say?", "service": "postgres"}))
		}
		return says("It is clear.", wish("conclude", conclusion))
	}
}

var conclusions = map[string]args{
	"missing_index": {
		"verdict": "root_cause", "culprit": "table/shop/products", "mechanism": "missing_index", "confidence": 0.9,
		"title": "products lost its index on category", "summary": "Looking up products by category scans the table.",
		"claims": []args{
			{"text": "The statement by category is many times slower.", "evidence": []string{"e4"}, "checks": []string{
				`any([x["collection"] == "products" and x["slow"] and x["fault"]["p50_ms"] >= 20 * x["healthy"]["p50_ms"] for x in ev["e4"]["statements"]])`,
			}},
			{"text": "catalog is slow.", "evidence": []string{"e1"}, "checks": []string{
				`any([x["service"] == "catalog" and x["slow"] for x in ev["e1"]["services"]])`,
			}},
		},
		"fix": args{"action": "index", "parameters": args{"table": "products", "column": "category"}, "why": "It finds rows by category."},
	},
	"wrong_configuration": {
		"verdict": "root_cause", "culprit": "service/till", "mechanism": "wrong_configuration", "confidence": 0.92,
		"title": "till calls a port where nobody listens", "summary": "Its configuration changed a second before the onset.",
		"claims": []args{
			{"text": "The change names port 9999.", "evidence": []string{"e2"}, "checks": []string{
				`any([d["service"] == "till" and d["kind"] == "configuration" and "9999" in d["detail"] for d in ev["e2"]["deployments"]])`,
			}},
			{"text": "till cannot connect there.", "evidence": []string{"e1"}, "checks": []string{
				`any([x["from"] == "till" and x["address"] == "127.0.0.1:9999" and x["failing"] for x in ev["e1"]["edges"]])`,
			}},
		},
		"fix": args{"action": "settings back", "parameters": args{"service": "till"}, "why": "It worked before."},
	},
}

func TestAGoodModelFindsTheCause(t *testing.T) {
	for name, conclusion := range conclusions {
		t.Run(name, func(t *testing.T) {
			g := newGame(t, name)
			m := good(conclusion)
			for range 2 {
				a := g.turn(m)
				if a.Step == nil || a.Step.Report != nil {
					t.Fatalf("turn %d: %+v", len(g.transcript.Turns)+1, a)
				}
				g.perform(*a.Step)
			}
			a := g.turn(m)
			if a.Step == nil || a.Step.Report == nil || len(g.asked) != 3 {
				t.Fatalf("after %d answers: %+v", len(g.asked), a)
			}
			held(t, g, *a.Step.Report, investigation.Mechanism(name))
		})
	}
}

// held judges a report as the platform does.
func held(t *testing.T, g *game, r investigation.Report, mechanism investigation.Mechanism) {
	t.Helper()
	evidence := map[string]json.RawMessage{}
	for _, e := range g.transcript.Evidence {
		if e.Error == "" {
			evidence[e.ID] = e.Result
		}
	}
	judged, err := check.Report(contract.CheckRequest{Report: r, Evidence: evidence})
	if err != nil {
		t.Fatal(err)
	}
	if judged.Verdict != investigation.RootCause || judged.Mechanism != mechanism || judged.Confidence != r.Confidence || judged.Fix == nil ||
		judged.Analyst != "model/scripted-1-2026" || !judged.Onset.Equal(g.recorded.Request.Triggers[1].Onset) {
		t.Errorf("judged %+v", judged)
	}
	for _, c := range judged.Chain {
		if c.Struck != "" || !slices.ContainsFunc(c.Checks, func(k investigation.Check) bool { return k.Counts }) {
			t.Errorf("claim %+v", c)
		}
	}
}

func TestWhatReachesTheTools(t *testing.T) {
	g := newGame(t, "missing_index")
	a := g.turn(good(nil))
	got := a.Step.Calls
	if len(got) != 3 || got[0].ID != "t1c1" || got[2].ID != "t1c3" || got[0].Why != "Which services differ?" {
		t.Fatalf("calls %+v", got)
	}
	for n, want := range []string{
		`{"baseline_from":"2026-03-01T11:59:42Z","baseline_to":"2026-03-01T12:00:42Z","from":"2026-03-01T12:00:45Z","to":"2026-03-01T12:01:01Z"}`,
		`{"from":"2026-03-01T11:50:45Z","to":"2026-03-01T12:01:01Z"}`,
	} {
		if string(got[n].Arguments) != want {
			t.Errorf("call %d: %s\nwant %s", n+1, got[n].Arguments, want)
		}
	}
}
