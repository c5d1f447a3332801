package check_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/sandbox/check"
	"github.com/midwatch/midwatch/sandbox/contract"
)

var (
	faulty  = map[string]json.RawMessage{"e1": json.RawMessage(`{"services":[{"name":"a","p95_ms":900},{"name":"b","p95_ms":12}],"total":2}`)}
	healthy = map[string]json.RawMessage{"e1": json.RawMessage(`{"services":[{"name":"a","p95_ms":11},{"name":"b","p95_ms":12}],"total":2}`)}
)

func judge(t *testing.T, expressions ...string) investigation.Report {
	t.Helper()
	claim := investigation.Claim{ID: "c1", Text: "a is slow", Evidence: []string{"e1"}}
	for _, x := range expressions {
		claim.Checks = append(claim.Checks, investigation.Check{Expression: x})
	}
	r, err := check.Report(contract.CheckRequest{
		Report: investigation.Report{
			Verdict: investigation.RootCause, Culprit: "service/a", Mechanism: investigation.SlowDependency, Confidence: 0.9,
			Chain: []investigation.Claim{claim}, Fix: &investigation.FixDraft{Action: "restart"},
		},
		Evidence: faulty, Control: healthy,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCheck(t *testing.T) {
	const slow = `any([s["p95_ms"] > 500 for s in ev["e1"]["services"]])`
	for name, c := range map[string]struct {
		expression    string
		holds, counts bool
		note          string
	}{
		"tells fault from health": {slow, true, true, ""},
		"true of health too":      {`len(ev["e1"]["services"]) == 2`, true, false, "healthy"},
		"true of nothing too":     {`ev["e1"]["total"] < 5`, true, false, "empty"},
		"always true":             {`True`, true, false, "empty"},
		"false":                   {`ev["e1"]["total"] > 5`, false, false, "false on the evidence"},
		"no such evidence":        {`ev["e9"] != None`, false, false, "e9"},
		"not a boolean":           {`ev["e1"]["total"]`, false, false, "float"},
		"a statement":             {`x = 1`, false, false, "want EOF"},
		"runs away":               {`len([x for x in range(100000000)]) > 0`, false, false, "too many steps"},
		"functions":               {`sum([s["p95_ms"] for s in ev["e1"]["services"]]) == 912 and median([1, 3, 2]) == 2 and round(2.456, 1) == 2.5 and first([7]) == 7`, true, true, ""},
		"loads nothing":           {`load("x", "y")`, false, false, "want primary expression"},
	} {
		t.Run(name, func(t *testing.T) {
			got := judge(t, c.expression).Chain[0].Checks[0]
			if got.Holds != c.holds || got.Counts != c.counts || !strings.Contains(got.Note, c.note) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestStandingRootCauseKeepsItsConfidence(t *testing.T) {
	r := judge(t, `any([s["p95_ms"] > 500 for s in ev["e1"]["services"]])`)
	if r.Verdict != investigation.RootCause || r.Confidence != 0.9 || r.Chain[0].Struck != "" || r.Fix == nil {
		t.Errorf("got %+v", r)
	}
}

func TestWithoutCountingCheckItIsInconclusive(t *testing.T) {
	for _, x := range []string{`True`, `ev["e1"]["total"] > 5`} {
		r := judge(t, x)
		if r.Verdict != investigation.Inconclusive || r.Confidence > 0.3 || r.Culprit != "" || r.Mechanism != "" || r.Fix != nil || len(r.Missing) == 0 {
			t.Errorf("%s: got %+v", x, r)
		}
	}
}

func TestClaimOnUnknownEvidenceIsStruck(t *testing.T) {
	r, err := check.Report(contract.CheckRequest{
		Report:   investigation.Report{Confidence: 0.8, Chain: []investigation.Claim{{ID: "c1", Evidence: []string{"e7"}}}},
		Evidence: faulty,
	})
	if err != nil || r.Chain[0].Struck == "" || r.Confidence != 0.4 {
		t.Errorf("got %+v, %v", r, err)
	}
}

// A check that fails on the evidence, and so is never tried on the healthy time, must not leave anything behind for another.
func TestChecksCannotWriteEvidence(t *testing.T) {
	claim := func(id, expression string) investigation.Claim {
		return investigation.Claim{ID: id, Text: id, Evidence: []string{"e1"}, Checks: []investigation.Check{{Expression: expression}}}
	}
	r, err := check.Report(contract.CheckRequest{
		Report: investigation.Report{Verdict: investigation.RootCause, Culprit: "service/a", Mechanism: investigation.SlowDependency, Confidence: 0.9, Chain: []investigation.Claim{
			claim("c1", `[ev["e1"].update({"forged": True}), False][1]`), claim("c2", `"forged" in ev["e1"]`),
		}},
		Evidence: faulty, Control: healthy,
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != investigation.Inconclusive || r.Chain[1].Checks[0].Holds {
		t.Errorf("verdict %s, second claim %+v: the first check wrote the evidence", r.Verdict, r.Chain[1])
	}
}
