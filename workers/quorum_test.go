package workers_test

import (
	"testing"

	"go.temporal.io/sdk/client"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// TestTwoPersonRule goes from the trigger to a fix that two people approve, and tries to do with one.
func TestTwoPersonRule(t *testing.T) {
	r := newRigWith(t, func(r *rig) { r.quorum = investigation.Quorum{Approvals: 2} })
	r.script.rootCause()
	first := trigger("alert-two", "payment", investigation.Alert)
	r.raise(first)
	fix := r.fix(workflows.IncidentID(environment, first.ID))
	if fix.Needed != 2 {
		t.Fatalf("the fix says it needs %d", fix.Needed)
	}
	ann := r.approvalBy("ann", fix, true)
	r.decide(ann)
	r.await("the first counts", func() bool {
		f, err := r.db.Fix(t.Context(), fix.ID)
		return err == nil && len(f.Approved) == 1 && f.Approved[0].Approver == "ann"
	})
	before := r.refusals()
	r.decide(ann)
	r.decide(r.approvalBy("ann", fix, true))  // another token of hers
	r.decide(r.approvalBy(" Ann", fix, true)) // or another spelling
	r.await("ann alone is refused", func() bool { return r.refusals() == before+3 })
	if f, _ := r.db.Fix(t.Context(), fix.ID); r.applied() != 0 || f.Status != workflows.FixAwaiting {
		t.Fatalf("applied %d times, the fix is %s", r.applied(), f.Status)
	}
	bob := r.approvalBy("bob", fix, true)
	r.decide(bob)
	r.await("the fix is applied", func() bool { return r.applied() == 1 })
	r.awaitStatus(fix.Incident, workflows.Resolved)

	ref := workflows.FixRef{ID: fix.ID, Incident: fix.Incident, Digest: fix.Digest, Target: fix.Target, Content: fix.Content}
	byHand, err := r.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "by-hand", TaskQueue: workflows.OrchestrateQueue},
		workflows.RemediationWorkflow, workflows.RemediationInput{Environment: environment, Fix: ref, Approval: patience, Recovery: patience})
	if err != nil {
		t.Fatal(err)
	}
	before = r.refusals()
	for _, a := range []investigation.Approval{ann, bob, r.approvalBy("cat", fix, true), r.approvalBy("dan", fix, true)} {
		if err := r.client.SignalWorkflow(t.Context(), byHand.GetID(), "", workflows.ApprovalSignal, a); err != nil {
			t.Fatal(err)
		}
	}
	r.await("all are refused", func() bool { return r.refusals() == before+4 })
	if n := r.applied(); n != 1 {
		t.Errorf("applied %d times", n)
	}
	if err := r.client.TerminateWorkflow(t.Context(), byHand.GetID(), "", "test"); err != nil {
		t.Error(err)
	}
}
