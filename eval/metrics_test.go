package eval_test

import (
	"strings"
	"testing"

	"github.com/midwatch/midwatch/eval"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
	"github.com/midwatch/midwatch/internal/tools"
)

// TestMetricsAndProgramsOfCases: a model that asks committed cases for metrics by PromQL, in a spelling of its own, and computes over the
// answer gets both, and a check on what it computed counts: the same program over the metrics of healthy time comes to something else.
func TestMetricsAndProgramsOfCases(t *testing.T) {
	for _, name := range []string{"noisy-neighbour", "noisy-neighbour-late"} {
		t.Run(name, func(t *testing.T) {
			c, err := eval.Load("cases/" + name)
			if err != nil {
				t.Fatal(err)
			}
			r, _, server := modelledWith(t, tools.All(nil, tools.RunProgram()), true, func(call llmtest.Call) llmtest.Answer { return computes(c, call) })
			got, err := r.Run(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if got.Outcome != eval.Right || got.Calls != 3 || got.Unrecorded != 0 || !got.Report.Chain[0].Checks[0].Counts {
				t.Errorf("%s, %d of %d calls are not recorded: %s %+v", got.Outcome, got.Unrecorded, got.Calls, got.Why, got.Report)
			}
			last := server.Calls()[server.Count()-1]
			if !strings.HasPrefix(got.Analyst, "model/") || last.Number != 5 {
				t.Errorf("decided by %q after %d calls", got.Analyst, last.Number)
			}
		})
	}
}

// computes is a model that wants to know who takes more than a core.
func computes(c eval.Case, asked llmtest.Call) llmtest.Answer {
	about := func(w investigation.Window, more map[string]any) map[string]any {
		more["from"], more["to"], more["why"] = w.From, w.To, "to see"
		return more
	}
	switch asked.Number {
	case 1:
		return llmtest.Ask(call("list_metrics", about(c.Request.Fault, map[string]any{})))
	case 2:
		return llmtest.Ask(call("query_metrics", about(c.Request.Fault, map[string]any{"expression": "sum(process_cpu_utilization) by (service)"})))
	case 3:
		const program = `result = [s["labels"]["service"] for s in ev["e2"]["series"] if s["min"] > 1]`
		return llmtest.Ask(call("run_program", map[string]any{"evidence": []string{"e2"}, "program": program, "why": "to compare"}))
	default:
		return llmtest.Ask(call("conclude", map[string]any{
			"verdict": "root_cause", "culprit": c.Expect.Culprits[0], "mechanism": c.Expect.Mechanisms[0], "confidence": 0.9, "title": "it takes every core",
			"summary": "It does.",
			"claims": []map[string]any{{
				"text": "it alone takes more than a core", "evidence": []string{"e3"}, "checks": []string{`len(ev["e3"]["result"]) == 1`},
			}},
		}))
	}
}
