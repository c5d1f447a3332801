package workers_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"os"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/midwatch/midwatch/activities/starter"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// TestStory goes all the way: trigger, report, approval, fix, recovery; then tries to have the fix applied again, and replays the investigation.
func TestStory(t *testing.T) {
	r := newRig(t)
	r.script.rootCause()
	first := trigger("alert-1", "payment", investigation.Alert)
	r.detector.set(first) // the schedule raises it
	id := workflows.IncidentID(environment, first.ID)
	fix := r.fix(id)
	t.Run("report", func(t *testing.T) { reported(t, r, id) })
	t.Run("bad approvals", func(t *testing.T) { badApprovals(t, r, fix) })

	good := r.approval(fix, true)
	r.decide(good)
	r.await("the fix is applied", func() bool { return r.applied() == 1 })
	r.detector.set()
	if got := r.awaitStatus(id, workflows.Resolved); got.ClosedAt.IsZero() {
		t.Error("resolved, but not closed")
	}
	if f, _ := r.db.Fix(t.Context(), fix.ID); f.Status != workflows.FixVerified {
		t.Errorf("fix is %s: %s", f.Status, f.Result)
	}
	if *update {
		record(t, r, first.ID, fix)
	}
	t.Run("never twice", func(t *testing.T) { neverTwice(t, r, fix, good) })
	t.Run("sealed", func(t *testing.T) { sealed(t, r) })
	t.Run("replayed", func(t *testing.T) { replayed(t, r, id) })
}

func (r *rig) decide(a investigation.Approval) {
	r.t.Helper()
	if err := starter.Decide(r.t.Context(), r.client, a); err != nil {
		r.t.Fatal(err)
	}
}

func reported(t *testing.T, r *rig, incident string) {
	inv, err := r.db.Investigation(t.Context(), workflows.InvestigationID(incident))
	if err != nil {
		t.Fatal(err)
	}
	if inv.Report == nil || inv.Report.Verdict != investigation.RootCause || !inv.Report.Chain[0].Checks[0].Counts {
		t.Fatalf("report: %+v", inv.Report)
	}
	if inv.Status != workflows.InvestigationConcluded || len(inv.Turns) != 3 {
		t.Errorf("%s after %d turns", inv.Status, len(inv.Turns))
	}
	if got, want := inv.Turns[0].Evidence, inv.Turns[0].Evidence[0]; got[2] != want {
		t.Errorf("a call made twice in a turn: %v", got)
	}
	if got, want := inv.Turns[1].Evidence[1], inv.Turns[0].Evidence[1]; got != want {
		t.Errorf("a call of an earlier turn got %s, want %s", got, want)
	}
	if runs := r.probes.Load(); runs != 4 { // three different questions, one of them about the healthy time, too
		t.Errorf("the tool ran %d times, want 4", runs)
	}
	req := inv.Request
	if !req.Healthy.To.Equal(req.Fault.From) || !req.Fault.From.Before(req.Triggers[0].Onset) || req.Fault.To.Before(req.Triggers[0].At) {
		t.Errorf("windows: %+v %+v", req.Healthy, req.Fault)
	}
}

// badApprovals signals what must be ignored and audited: wrong digest, wrong signature, another environment.
func badApprovals(t *testing.T, r *rig, fix investigation.Fix) {
	digest := r.approval(fix, true)
	digest.Digest = "0000"
	auth.SignApproval(r.key, &digest)
	_, stranger, _ := ed25519.GenerateKey(rand.Reader)
	forged := auth.Decide(fix, "mallory", true)
	auth.SignApproval(stranger, &forged)
	rejection := auth.Decide(fix, "mallory", false)
	auth.SignApproval(stranger, &rejection)
	for n, a := range []investigation.Approval{digest, forged, rejection} {
		r.decide(a)
		r.await("refusal is audited", func() bool { return r.refusals() == n+1 })
	}
	if r.applied() != 0 {
		t.Error("a bad approval was applied")
	}
	if f, _ := r.db.Fix(t.Context(), fix.ID); f.Status != workflows.FixAwaiting {
		t.Errorf("fix is %s, want still waiting", f.Status)
	}
}

// neverTwice starts the Remediation by hand, resets it, and signals the spent approval and a fresh one again and again.
func neverTwice(t *testing.T, r *rig, fix investigation.Fix, spent investigation.Approval) {
	before := r.refusals()
	ref := workflows.FixRef{ID: fix.ID, Incident: fix.Incident, Digest: fix.Digest, Target: fix.Target, Content: fix.Content}
	byHand, err := r.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "by-hand", TaskQueue: workflows.OrchestrateQueue},
		workflows.RemediationWorkflow, workflows.RemediationInput{Environment: environment, Fix: ref, Approval: patience, Recovery: patience})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []investigation.Approval{spent, spent, r.approval(fix, true)} {
		if err := r.client.SignalWorkflow(t.Context(), byHand.GetID(), "", workflows.ApprovalSignal, a); err != nil {
			t.Fatal(err)
		}
	}
	r.await("three refusals", func() bool { return r.refusals() == before+3 })

	id := workflows.RemediationWorkflowID(environment, fix.ID)
	_, err = r.client.ResetWorkflowExecution(t.Context(), &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: workflows.Namespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: id}, Reason: "test",
		WorkflowTaskFinishEventId: firstTask(t, r, id), RequestId: "reset-1",
		ResetReapplyType: enumspb.RESET_REAPPLY_TYPE_ALL_ELIGIBLE, //nolint:staticcheck // signals are sent again
	})
	if err != nil {
		t.Fatal(err)
	}
	// The four signals of the first run come again: two were refused then, too, one by the workflow, and the spent one is now.
	r.await("the reset run refuses", func() bool { return r.refusals() == before+3+4 })
	if n := r.applied(); n != 1 {
		t.Errorf("applied %d times", n)
	}
	for _, w := range []string{byHand.GetID(), id} {
		if err := r.client.TerminateWorkflow(t.Context(), w, "", "test"); err != nil {
			t.Error(err)
		}
	}
}

// firstTask is the id of the first completed workflow task, to which a reset goes back.
func firstTask(t *testing.T, r *rig, id string) int64 {
	t.Helper()
	events := r.client.GetWorkflowHistory(t.Context(), id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			return e.GetEventId()
		}
	}
	t.Fatal("no workflow task was completed")
	return 0
}

// sealed looks for readable text in Temporal's files. Summaries are text for people and are sealed, too.
func sealed(t *testing.T, r *rig) {
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(r.temporal.DB + suffix)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{secret, "It is clear now", "bad_deployment"} {
			if i := bytes.Index(b, []byte(text)); i >= 0 {
				t.Errorf("%q is readable in temporal.db%s: …%q…", text, suffix, b[max(0, i-100):min(len(b), i+60)])
			}
		}
		if suffix == "" && !bytes.HasPrefix(b, []byte("SQLite format 3")) {
			t.Error("that is not the database")
		}
	}
}
