package workers_test

import (
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// TestContinuedStory has Temporal find every history too long soon: an investigation goes on as a new run after each turn, and its report is as
// if nothing had happened.
func TestContinuedStory(t *testing.T) {
	r := newRigWith(t, func(r *rig) { r.flags = []string{"--continue-after", "12"} })
	r.script.rootCause()
	first := trigger("alert-1", "payment", investigation.Alert)
	r.raise(first)
	fix := r.fix(workflows.IncidentID(environment, first.ID))
	reported(t, r, fix.Incident)

	id := workflows.InvestigationWorkflowID(environment, fix.Investigation)
	runs := r.runs(id)
	if len(runs) != 3 {
		t.Fatalf("%d runs, want one for each turn", len(runs))
	}
	if *update {
		save(t, r, r.client, id, runs[0], "investigation-continues")
		save(t, r, r.client, id, runs[1], "investigation-continued")
	}
}

// runs are the runs of a workflow, oldest first, each of which went on as the next one.
func (r *rig) runs(id string) (all []string) {
	r.t.Helper()
	run := ""
	for {
		events := r.client.GetWorkflowHistory(r.t.Context(), id, run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		var began *historypb.WorkflowExecutionStartedEventAttributes
		for began == nil {
			e, err := events.Next()
			if err != nil {
				r.t.Fatal(err)
			}
			began = e.GetWorkflowExecutionStartedEventAttributes()
		}
		all = append([]string{began.GetOriginalExecutionRunId()}, all...)
		if run = began.GetContinuedExecutionRunId(); run == "" {
			return all
		}
	}
}
