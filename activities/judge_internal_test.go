package activities

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools"
)

func look(id, arguments string) investigation.ToolCall {
	return investigation.ToolCall{ID: id, Tool: "look", Arguments: json.RawMessage(arguments)}
}

func TestValidate(t *testing.T) {
	registry := tools.New(tools.Tool{Name: "look", Schema: json.RawMessage(`{"type":"object","properties":{"at":{"type":"string"}},"additionalProperties":false}`)})
	report := func(change func(*investigation.Report)) *investigation.Report {
		r := &investigation.Report{Verdict: investigation.RootCause, Culprit: "service/a", Mechanism: investigation.MemoryLeak, Confidence: 0.5}
		change(r)
		return r
	}
	keep := func(*investigation.Report) {}
	cases := map[string]struct {
		step investigation.Step
		last bool
		ok   bool
	}{
		"calls":             {investigation.Step{Say: "x", Calls: []investigation.ToolCall{look("t2c1", `{"at":"a"}`), look("t2c2", `{}`)}}, false, true},
		"report":            {investigation.Step{Say: "x", Report: report(keep)}, true, true},
		"nothing":           {investigation.Step{Say: "x"}, false, false},
		"silent":            {investigation.Step{Report: report(keep)}, false, false},
		"both":              {investigation.Step{Say: "x", Calls: []investigation.ToolCall{look("t2c1", `{}`)}, Report: report(keep)}, false, false},
		"calls at the end":  {investigation.Step{Say: "x", Calls: []investigation.ToolCall{look("t2c1", `{}`)}}, true, false},
		"other turn's id":   {investigation.Step{Say: "x", Calls: []investigation.ToolCall{look("t1c1", `{}`)}}, false, false},
		"control's id":      {investigation.Step{Say: "x", Calls: []investigation.ToolCall{look("t2c1/control", `{}`)}}, false, false},
		"id twice":          {investigation.Step{Say: "x", Calls: []investigation.ToolCall{look("t2c1", `{}`), look("t2c1", `{}`)}}, false, false},
		"unknown tool":      {investigation.Step{Say: "x", Calls: []investigation.ToolCall{{ID: "t2c1", Tool: "rm", Arguments: json.RawMessage(`{}`)}}}, false, false},
		"wrong type":        {investigation.Step{Say: "x", Calls: []investigation.ToolCall{look("t2c1", `{"at":1}`)}}, false, false},
		"unknown argument":  {investigation.Step{Say: "x", Calls: []investigation.ToolCall{look("t2c1", `{"sql":"x"}`)}}, false, false},
		"no object":         {investigation.Step{Say: "x", Calls: []investigation.ToolCall{look("t2c1", `[]`)}}, false, false},
		"no arguments":      {investigation.Step{Say: "x", Calls: []investigation.ToolCall{look("t2c1", ``)}}, false, false},
		"too many":          {investigation.Step{Say: "x", Calls: make([]investigation.ToolCall, maxCalls+1)}, false, false},
		"verdict":           {investigation.Step{Say: "x", Report: report(func(r *investigation.Report) { r.Verdict = "sure" })}, false, false},
		"confidence":        {investigation.Step{Say: "x", Report: report(func(r *investigation.Report) { r.Confidence = 1.1 })}, false, false},
		"no culprit":        {investigation.Step{Say: "x", Report: report(func(r *investigation.Report) { r.Culprit = "" })}, false, false},
		"control character": {investigation.Step{Say: "x", Report: report(func(r *investigation.Report) { r.Culprit = "service/\x1b[31m" })}, false, false},
		"endless list":      {investigation.Step{Say: "x", Report: report(func(r *investigation.Report) { r.Missing = make([]string, maxListed+1) })}, false, false},
		"endless parameter": {investigation.Step{Say: "x", Report: report(func(r *investigation.Report) {
			r.Fix = &investigation.FixDraft{Action: "restart", Parameters: map[string]string{"service": strings.Repeat("x", maxText+1)}}
		})}, false, false},
		"endless argument": {investigation.Step{Say: "x", Calls: []investigation.ToolCall{look("t2c1", `{"at":"`+strings.Repeat("x", maxArgs)+`"}`)}}, false, false},
		"endless title":    {investigation.Step{Say: "x", Report: report(func(r *investigation.Report) { r.Title = strings.Repeat("x", maxText+1) })}, false, false},
	}
	for name, c := range cases {
		if err := validate(c.step, 2, c.last, registry); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHold(t *testing.T) {
	draft := investigation.Report{
		Verdict: investigation.RootCause, Title: "a leaks", Culprit: "service/a", Mechanism: investigation.MemoryLeak, Confidence: 0.9, Fix: &investigation.FixDraft{Action: "restart"},
		Chain: []investigation.Claim{{ID: "c1", Text: "x", Evidence: []string{"e1"}, Checks: []investigation.Check{{Expression: `ev["e2"]["n"] > 1`}}}},
	}
	judged := func(holds, counts bool, struck string, change func(*investigation.Report)) investigation.Report {
		r := draft
		r.Chain = []investigation.Claim{draft.Chain[0]}
		r.Chain[0].Struck = struck
		r.Chain[0].Checks = []investigation.Check{{Expression: "changed", Holds: holds, Counts: counts}}
		if change != nil {
			change(&r)
		}
		return r
	}
	cases := map[string]struct {
		judged       investigation.Report
		uncontrolled []string
		proven       bool
		err          bool
	}{
		"counts":                 {judged(true, true, "", nil), nil, true, false},
		"holds, does not count":  {judged(true, false, "", nil), nil, false, false},
		"counts without holding": {judged(false, true, "", nil), nil, false, false},
		"struck":                 {judged(true, true, "false", nil), nil, false, false},
		"cited is blind":         {judged(true, true, "", nil), []string{"e1"}, false, false},
		"mentioned is blind":     {judged(true, true, "", nil), []string{"e2"}, false, false},
		"another is blind":       {judged(true, true, "", nil), []string{"e3"}, true, false},
		"more confident":         {judged(true, true, "", func(r *investigation.Report) { r.Confidence = 1 }), nil, false, true},
		"claims added":           {judged(true, true, "", func(r *investigation.Report) { r.Chain = append(r.Chain, r.Chain[0]) }), nil, false, true},
		"culprit swapped":        {judged(true, true, "", func(r *investigation.Report) { r.Culprit = "service/b" }), nil, true, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r, err := hold(draft, c.judged, c.uncontrolled)
			if (err != nil) != c.err {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				return
			}
			if c.proven && (r.Verdict != investigation.RootCause || r.Culprit != "service/a" || r.Fix == nil) {
				t.Errorf("lost: %+v", r)
			}
			if !c.proven && (r.Verdict != investigation.Inconclusive || r.Culprit != "" || r.Fix != nil || r.Confidence > unprovenConfidence) {
				t.Errorf("kept: %+v", r)
			}
			if got := r.Chain[0].Checks[0].Expression; got != draft.Chain[0].Checks[0].Expression {
				t.Errorf("expression became %q", got)
			}
		})
	}
	if draft.Chain[0].Checks[0].Holds {
		t.Error("the draft was changed")
	}
}
