package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

func TestApprove(t *testing.T) {
	in := start(t)
	fix := in.fix()
	d := get(in.as(auth.Approver).Approve(t.Context(), fix.ID, fix.Digest))(t)
	if !d.Approved || d.Approver != "approver person" || d.Digest != fix.Digest {
		t.Errorf("decision %+v", d)
	}
	sent := in.temporal.all()
	if len(sent) != 1 || sent[0].workflow != workflows.RemediationWorkflowID(environment, fix.ID) || sent[0].name != workflows.ApprovalSignal {
		t.Fatalf("signals %+v", sent)
	}
	a := sent[0].arg.(investigation.Approval)
	if err := auth.VerifyApproval(in.public, a); err != nil {
		t.Error(err)
	}
	if !a.Approved || a.Nonce == "" || a.Digest != fix.Digest || a.Fix != fix.ID || a.Target != fix.Target || a.Incident != fix.Incident || a.Environment != environment {
		t.Errorf("approval %+v", a)
	}
	if !in.audited("approver person", "fixes.approve", "allowed") {
		t.Error("not audited")
	}
}

func TestReject(t *testing.T) {
	in := start(t)
	fix := in.fix()
	if d := get(in.as(auth.Approver).Reject(t.Context(), fix.ID, fix.Digest, "not at night"))(t); d.Approved {
		t.Errorf("decision %+v", d)
	}
	a := in.temporal.all()[0].arg.(investigation.Approval)
	if err := auth.VerifyApproval(in.public, a); err != nil || a.Approved || a.Reason != "not at night" {
		t.Errorf("approval %+v: %v", a, err)
	}
}

func TestApproveRefuses(t *testing.T) {
	other := strings.Repeat("0", 64)
	cases := map[string]struct {
		change func(*investigation.Fix)
		digest string
	}{
		"another digest":   {digest: other},
		"tampered content": {change: func(f *investigation.Fix) { f.Content = "rm -rf /" }},
		"decided":          {change: func(f *investigation.Fix) { f.Status = workflows.FixApplied }},
		"other environment": {change: func(f *investigation.Fix) {
			f.Environment = "prod"
			f.Digest = f.ContentDigest()
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			in := start(t)
			fix := in.fix(func(f *investigation.Fix) {
				if c.change != nil {
					c.change(f)
				}
			})
			digest := fix.Digest
			if c.digest != "" {
				digest = c.digest
			}
			_, err := in.as(auth.Approver).Approve(t.Context(), fix.ID, digest)
			if !errors.Is(err, client.ErrConflict) {
				t.Errorf("got %v", err)
			}
			if n := len(in.temporal.all()); n != 0 {
				t.Errorf("%d signals", n)
			}
			if !in.audited("approver person", "fixes.approve", "refused") {
				t.Error("not audited")
			}
		})
	}
}

// A fix can be seen before the workflow that waits for its decision has started: a decision that comes so early is worth another try.
func TestApproveBeforeAnybodyWaits(t *testing.T) {
	in := start(t)
	fix := in.fix()
	in.temporal.gone = true
	var refused *client.Error
	if _, err := in.as(auth.Approver).Approve(t.Context(), fix.ID, fix.Digest); !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable {
		t.Errorf("got %v", err)
	}
	in.temporal.gone = false
	if d := get(in.as(auth.Approver).Approve(t.Context(), fix.ID, fix.Digest))(t); !d.Approved {
		t.Errorf("then %+v", d)
	}
}

func TestTwoPersonRule(t *testing.T) {
	in := start(t)
	fix := in.fix(func(f *investigation.Fix) {
		f.Needed = 2
		f.Digest = f.ContentDigest()
	})
	given := func(by string, until time.Duration) {
		must(t, in.db.SetFixApproved(t.Context(), fix.ID, []investigation.Given{{Approver: by, At: time.Now(), ExpiresAt: time.Now().Add(until)}}))
	}
	if d := get(in.as(auth.Approver).Approve(t.Context(), fix.ID, fix.Digest))(t); d.Needed != 2 || d.Given != 0 {
		t.Errorf("first %+v", d)
	}
	given("Approver person", time.Minute) // the apply role counted it
	_, err := in.as(auth.Approver).Approve(t.Context(), fix.ID, fix.Digest)
	if !errors.Is(err, client.ErrConflict) || !strings.Contains(err.Error(), "somebody else") {
		t.Errorf("the same person again: %v", err)
	}
	if d := get(in.as(auth.Admin).Approve(t.Context(), fix.ID, fix.Digest))(t); d.Needed != 2 || d.Given != 1 {
		t.Errorf("second %+v", d)
	}
	given("approver person", -time.Second)
	get(in.as(auth.Approver).Approve(t.Context(), fix.ID, fix.Digest))(t) // the first expired, so it may be given anew
	if _, err := in.as(auth.Approver).Reject(t.Context(), fix.ID, fix.Digest, "no"); err != nil {
		t.Errorf("who approved may still reject: %v", err)
	}
	if n := len(in.temporal.all()); n != 4 {
		t.Errorf("%d signals", n)
	}
}
