package activities

import (
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/workflows"
)

// concluded stores an investigation whose report proposes the bench's action for service/a.
func (b *bench) concluded(id string) {
	b.t.Helper()
	now := time.Now().UTC()
	window := investigation.Window{From: now.Add(-time.Minute), To: now}
	request := investigation.Request{ID: id, Incident: "inc-" + id, Environment: "test", Fault: window, Healthy: window}
	report := investigation.Report{
		Verdict: investigation.RootCause, Culprit: telemetry.Service("a"), Fix: &investigation.FixDraft{Action: "mark"},
	}
	if err := b.db.CreateInvestigation(b.t.Context(), request); err != nil {
		b.t.Fatal(err)
	}
	if err := b.db.PutReport(b.t.Context(), id, report); err != nil {
		b.t.Fatal(err)
	}
}

func TestPrepareOffersAFixOnce(t *testing.T) {
	b := newBench(t) // whose fix-1 awaits approval
	prepare := &Prepare{DB: b.db, Actions: b.Actions}
	prepared := func(id string) workflows.FixRef {
		t.Helper()
		b.concluded(id)
		ref, err := prepare.Fix(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	if ref := prepared("inv-2"); ref.ID != "" || !strings.Contains(ref.Invalid, "inc-1") {
		t.Errorf("a second fix that does the same: %+v", ref)
	}
	if err := b.db.SetFixStatus(t.Context(), b.fix.ID, workflows.FixRejected, "no"); err != nil {
		t.Fatal(err)
	}
	ref := prepared("inv-3")
	if ref.ID != workflows.FixID("inv-3") {
		t.Fatalf("after the first was rejected: %+v", ref)
	}
	again, err := prepare.Fix(t.Context(), "inv-3")
	if err != nil || again != ref {
		t.Errorf("a retry: %+v, %v", again, err)
	}
}
