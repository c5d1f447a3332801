package workers_test

import (
	"strings"
	"testing"

	"github.com/midwatch/midwatch/activities"
	"github.com/midwatch/midwatch/activities/starter"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools/recorded"
	"github.com/midwatch/midwatch/workflows"
)

// replayed investigates an incident again on what was stored then: no tool runs, what was asked is answered as it was, what was
// not is "not recorded", the report is the same, and nothing follows from it.
func replayed(t *testing.T, r *rig, incident string) {
	past, err := r.db.Investigation(t.Context(), workflows.InvestigationID(incident))
	if err != nil {
		t.Fatal(err)
	}
	r.script.set(2, func(investigation.Transcript) investigation.Step {
		return investigation.Step{Say: "I look elsewhere.", Calls: []investigation.ToolCall{probeCall(2, 1, 9), probeCall(2, 2, 11)}}
	})
	before := r.probes.Load()
	request := past.Request
	request.ID, request.Replays, request.Analyst = "inv-again", past.Request.ID, investigation.AnalystBuiltin
	if err := r.db.CreateInvestigation(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	if err := starter.Investigate(t.Context(), r.client, request, "Replay"); err != nil {
		t.Fatal(err)
	}
	if err := r.client.GetWorkflow(t.Context(), workflows.InvestigationWorkflowID(environment, request.ID), "").Get(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	got, err := r.db.Investigation(t.Context(), request.ID)
	if err != nil || got.Report == nil {
		t.Fatalf("%+v %v", got, err)
	}
	if runs := r.probes.Load() - before; runs != 0 {
		t.Errorf("the tool ran %d times", runs)
	}
	if was, is := past.Report, got.Report; is.Verdict != was.Verdict || is.Culprit != was.Culprit || is.Confidence != was.Confidence || !is.Chain[0].Checks[0].Counts {
		t.Errorf("report %+v, was %+v", is, was)
	}
	then, now := answers(t, r, past.Request.ID), answers(t, r, request.ID)
	for question, answer := range now {
		switch {
		case strings.Contains(question, "11"):
			if !strings.HasPrefix(answer, recorded.NotRecorded) {
				t.Errorf("what was never asked is answered with %s", answer)
			}
		case answer != then[question]:
			t.Errorf("%s: %s, was %s", question, answer, then[question])
		}
	}
	if len(now) != 4 {
		t.Errorf("%d questions were answered, want 4: %v", len(now), now)
	}
	if fixes, err := r.db.FixesOf(t.Context(), incident); err != nil || len(fixes) != 1 {
		t.Errorf("fixes of the incident: %+v %v", fixes, err)
	}
}

// answers are an investigation's, without those about the healthy time, by question.
func answers(t *testing.T, r *rig, id string) map[string]string {
	evidence, err := r.db.EvidenceList(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, e := range evidence {
		if !activities.IsControl(e) {
			found[string(e.Arguments)] = e.Error + string(e.Result)
		}
	}
	return found
}
