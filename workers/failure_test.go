package workers_test

import (
	"slices"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// TestStepThatDoesNothing replaces the analyst's step by one that does nothing: the investigation must fail.
func TestStepThatDoesNothing(t *testing.T) {
	r := newRig(t)
	first := trigger("alert-idle", "payment", investigation.Alert)
	r.raise(first)
	id := workflows.IncidentID(environment, first.ID)
	r.awaitStatus(id, workflows.Failed)
	inv, err := r.db.Investigation(t.Context(), workflows.InvestigationID(id))
	if err != nil {
		t.Fatal(err)
	}
	if inv.Status != workflows.InvestigationFailed || inv.Report != nil {
		t.Errorf("investigation is %s, report %+v", inv.Status, inv.Report)
	}
}

// TestTemporalKilledMidInvestigation kills the workflow engine while tools run; the same file goes on where it was.
func TestTemporalKilledMidInvestigation(t *testing.T) {
	r := newRig(t)
	r.script.rootCause()
	first := trigger("alert-killed", "payment", investigation.Alert)
	r.raise(first)
	r.await("the first tool ran", func() bool { return r.probes.Load() > 0 })
	r.temporal.Kill()
	began := time.Now()
	r.temporal.Restart()
	fix := r.fix(workflows.IncidentID(environment, first.ID))
	t.Logf("report %s after the kill", time.Since(began).Round(time.Millisecond))
	r.decide(r.approval(fix, false))
	r.awaitStatus(fix.Incident, workflows.Closed)
	if f, _ := r.db.Fix(t.Context(), fix.ID); f.Status != workflows.FixRejected || r.applied() != 0 {
		t.Errorf("fix is %s, applied %d times", f.Status, r.applied())
	}
}

// TestHarmlessDeployment bakes a deployment that nothing follows, and one that an alert joins.
func TestHarmlessDeployment(t *testing.T) {
	r := newRig(t)
	r.script.noProblem()
	harmless := trigger("deployment-1", "gateway", investigation.Deployment)
	r.raise(harmless)
	id := workflows.IncidentID(environment, harmless.ID)
	r.awaitStatus(id, workflows.Closed)
	inv, err := r.db.Investigation(t.Context(), workflows.InvestigationID(id))
	if err != nil || inv.Report == nil || inv.Report.Verdict != investigation.NoProblem {
		t.Fatalf("report %+v, %v", inv.Report, err)
	}
	if *update {
		save(t, r, r.client, workflows.DeploymentWorkflowID(environment, harmless.ID), "", "deployment")
	}
}

// TestAskedWithinNamespaces has somebody ask who may not look everywhere: no tool looks further, for the fault or for the healthy time.
func TestAskedWithinNamespaces(t *testing.T) {
	r := newRig(t)
	r.script.rootCause()
	asked := trigger("manual-1", "payment", investigation.Manual)
	asked.Namespaces = []string{"shop"}
	r.raise(asked)
	r.fix(workflows.IncidentID(environment, asked.ID))
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, scope := range r.scopes {
		if scope.Environment != environment || !slices.Equal(scope.Namespaces, asked.Namespaces) {
			t.Errorf("a tool looked at %+v", scope)
		}
	}
	if len(r.scopes) < 2 {
		t.Errorf("looked %d times, want the fault and the healthy time", len(r.scopes))
	}
}

// TestStormCostsOneInvestigation raises many related alerts at once and some more later.
func TestStormCostsOneInvestigation(t *testing.T) {
	r := newRig(t)
	r.script.rootCause()
	var storm []investigation.Trigger
	for _, service := range []string{"payment", "checkout", "gateway", "cart"} {
		alert := trigger("storm-"+service, service, investigation.Alert)
		alert.Peers, alert.Calls = []string{"payment"}, []string{"payment"}
		storm = append(storm, alert)
	}
	r.raise(storm[:2]...)
	id := workflows.IncidentID(environment, storm[0].ID)
	r.fix(id)
	r.raise(storm...)
	r.await("late triggers join", func() bool { return len(r.incident(id).Triggers) == len(storm) })
	all, err := r.db.ListIncidents(t.Context(), 10)
	if err != nil || len(all) != 1 {
		t.Errorf("%d incidents, %v; want one", len(all), err)
	}
}
