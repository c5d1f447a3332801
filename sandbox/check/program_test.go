package check_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/sandbox/check"
	"github.com/midwatch/midwatch/sandbox/contract"
)

func TestProgram(t *testing.T) {
	for name, c := range map[string]struct{ source, result, mistake string }{
		"expression":      {`result = [s["name"] for s in ev["e1"]["services"] if s["p95_ms"] > 500]`, `["a"]`, ""},
		"functions":       {"def slow(s):\n    return s[\"p95_ms\"] > 500\nresult = {\"slow\": len([s for s in ev[\"e1\"][\"services\"] if slow(s)])}", `{"slow":1}`, ""},
		"loops":           {"n = 0\nwhile n < 10:\n    n += 1\nresult = n", `10`, ""},
		"every kind":      {`result = [None, True, 1, 1.5, "x", (1, 2), {"a": []}, set([1])]`, `[null,true,1,1.5,"x",[1,2],{"a":[]},[1]]`, ""},
		"statistics":      {`result = round(median([s["p95_ms"] for s in ev["e1"]["services"]]))`, `456`, ""},
		"no result":       {`x = 1`, "", "never sets result"},
		"syntax":          {"x = 1\nresult = = 1", "", "program:2"},
		"mistake":         {"x = 1\nresult = ev[\"e9\"]", "", "line 2"},
		"own words":       {`fail("nothing to see")`, "", "nothing to see"},
		"runs away":       {"while True:\n    pass", "", "too many steps"},
		"recursion":       {"def f(n):\n    return f(n)\nresult = f(1)", "", "recursively"},
		"loads nothing":   {"load(\"x\", \"y\")\nresult = 1", "", "load"},
		"writes evidence": {`ev["e1"]["total"] = 5`, "", "frozen"},
		"a function":      {"def f():\n    pass\nresult = f", "", "holds a function"},
		"keys":            {`result = {1: 2}`, "", "keys are strings"},
		"not finite":      {`result = float("inf")`, "", "not finite"},
		"deep":            {"x = []\nfor _ in range(40):\n    x = [x]\nresult = x", "", "deeper"},
		"long":            {`result = "x" * 200000`, "", "at most"},
		"wide":            {`result = range(1000000000)`, "", "a list of more"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := check.Program(contract.ProgramRequest{Source: c.source, Evidence: faulty})
			if err != nil {
				t.Fatal(err)
			}
			if string(got.Result) != c.result || (c.mistake == "") != (got.Mistake == "") || !strings.Contains(got.Mistake, c.mistake) {
				t.Errorf("got %s, %q", got.Result, got.Mistake)
			}
		})
	}
}

func TestWhatAProgramPrintsIsBounded(t *testing.T) {
	got, err := check.Program(contract.ProgramRequest{Source: "for i in range(1000):\n    print(\"x\" * 2000)\nresult = 1"})
	if err != nil || len(got.Printed) != 50 || len(got.Printed[0]) != 500 || string(got.Result) != "1" {
		t.Errorf("%d lines, %v", len(got.Printed), err)
	}
}

// A check on what a program computed counts only if the program computes something else of healthy time: a constant, printed or
// not, proves nothing.
func TestChecksOnProgramsNeedTheirHealthyTime(t *testing.T) {
	for name, c := range map[string]struct {
		source, check string
		counts        bool
	}{
		"computed":           {`result = [s["name"] for s in ev["e1"]["services"] if s["p95_ms"] > 500]`, `"a" in ev["e2"]["result"]`, true},
		"constant":           {`result = ["a"]`, `"a" in ev["e2"]["result"]`, false},
		"printed":            {"print(\"guilty\")\nresult = 1", `"guilty" in ev["e2"]["printed"]`, false},
		"as before":          {`result = len(ev["e1"]["services"])`, `ev["e2"]["result"] == 2`, false},
		"fails when healthy": {`result = first([s for s in ev["e1"]["services"] if s["p95_ms"] > 500])`, `ev["e2"]["result"]["name"] == "a"`, true},
	} {
		t.Run(name, func(t *testing.T) {
			done, err := check.Program(contract.ProgramRequest{Source: c.source, Evidence: faulty})
			if err != nil || done.Mistake != "" {
				t.Fatal(err, done.Mistake)
			}
			result, err := json.Marshal(map[string]any{"result": done.Result, "printed": done.Printed})
			if err != nil {
				t.Fatal(err)
			}
			r, err := check.Report(contract.CheckRequest{
				Report: investigation.Report{Verdict: investigation.Inconclusive, Chain: []investigation.Claim{
					{ID: "c1", Text: "x", Evidence: []string{"e2"}, Checks: []investigation.Check{{Expression: c.check}}},
				}},
				Evidence: map[string]json.RawMessage{"e1": faulty["e1"], "e2": result}, Control: healthy,
				Programs: map[string]contract.Program{"e2": {Source: c.source, Evidence: []string{"e1"}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Chain[0].Checks[0]; !got.Holds || got.Counts != c.counts {
				t.Errorf("got %+v", got)
			}
		})
	}
}
