package activities

import (
	"crypto/ed25519"
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// newQuorum is the bench with a fix that two people have to approve.
func newQuorum(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.fix.ID, b.fix.Needed = "fix-two", 2
	b.fix.Digest = b.fix.ContentDigest()
	if err := b.db.PutFix(t.Context(), b.fix); err != nil {
		t.Fatal(err)
	}
	return b
}

// by signs an approval of the bench's fix.
func (b *bench) by(approver string, change ...func(*investigation.Approval)) investigation.Approval {
	a := auth.Decide(b.fix, approver, true)
	for _, c := range change {
		c(&a)
	}
	auth.SignApproval(b.key, &a)
	return a
}

func (b *bench) with(a investigation.Approval, earlier ...investigation.Approval) workflows.ApplyInput {
	return workflows.ApplyInput{Fix: b.fix.ID, Approval: a, Earlier: earlier}
}

func anHourAgo(a *investigation.Approval) {
	a.IssuedAt, a.ExpiresAt = a.IssuedAt.Add(-time.Hour), a.ExpiresAt.Add(-time.Hour)
}

func TestQuorum(t *testing.T) {
	b := newQuorum(t)
	ann, bob := b.by("ann"), b.by("bob")
	first := b.do(b.with(ann), false)
	if first.Waiting != "1 of 2 approvals, by ann" || first.Status != "" || !slices.Equal(first.Counted, []string{ann.Nonce}) {
		t.Fatalf("first: %+v", first)
	}
	b.want(0, workflows.FixAwaiting)
	stored, err := b.db.Fix(t.Context(), b.fix.ID)
	if err != nil {
		t.Fatal(err)
	}
	if needed, given := stored.Quorate(time.Now()); needed != 2 || len(given) != 1 || given[0].Approver != "ann" {
		t.Errorf("the fix shows %d needed, %+v", needed, given)
	}
	if _, given := stored.Quorate(ann.ExpiresAt); len(given) != 0 {
		t.Errorf("still shown when it is over: %+v", given)
	}
	if r := b.do(b.with(ann), true); r.Waiting != first.Waiting { // the answer was lost, the activity is tried again
		t.Errorf("first again: %+v", r)
	}
	if r := b.do(b.with(bob, ann), false); r.Status != workflows.FixApplied {
		t.Fatalf("second: %+v", r)
	}
	if r := b.do(b.with(bob, ann), true); r.Status != workflows.FixApplied {
		t.Errorf("second again: %+v", r)
	}
	b.want(1, workflows.FixApplied)
	for name, in := range map[string]workflows.ApplyInput{ // a workflow that was reset, started by hand or signalled again
		"the same":           b.with(bob, ann),
		"the other way":      b.with(ann, bob),
		"two fresh ones":     b.with(b.by("cat"), b.by("dan")),
		"a fresh and a used": b.with(b.by("cat"), ann),
		"one":                b.with(ann),
	} {
		if r := b.do(in, false); r.Refused == "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	b.want(1, workflows.FixApplied)
}

// TestQuorumAttacks tries to apply a fix that needs two people with one.
func TestQuorumAttacks(t *testing.T) {
	b := newQuorum(t)
	other := b.fix
	other.ID = "fix-other"
	other.Digest = other.ContentDigest()
	if err := b.db.PutFix(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	ofOther := auth.Decide(other, "bob", true)
	auth.SignApproval(b.key, &ofOther)
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	forged := auth.Decide(b.fix, "bob", true)
	auth.SignApproval(stranger, &forged)
	changed := b.by("ann")
	changed.Approver = "bob"
	rejection := b.by("bob", func(a *investigation.Approval) { a.Approved = false })
	used := b.by("bob")
	if err := b.db.SpendNonces(t.Context(), "fix-other", used.Nonce); err != nil {
		t.Fatal(err)
	}
	ann := b.by("ann")
	for name, in := range map[string]workflows.ApplyInput{
		"alone":                      b.with(ann),
		"twice the same":             b.with(ann, ann),
		"same subject, second token": b.with(b.by("ann"), ann),
		"same subject, spelt anew":   b.with(b.by(" Ann"), ann),
		"of another fix":             b.with(ann, ofOther),
		"another fix's as the last":  b.with(ofOther, ann),
		"forged":                     b.with(ann, forged),
		"forged as the last":         b.with(forged, ann),
		"changed after signing":      b.with(ann, changed),
		"a rejection as an approval": b.with(ann, rejection),
		"expired":                    b.with(ann, b.by("bob", anHourAgo)),
		"expired as the last":        b.with(b.by("bob", anHourAgo), ann),
		"used elsewhere":             b.with(ann, used),
		"used as the last":           b.with(used, ann),
		"other digest":               b.with(ann, b.by("bob", func(a *investigation.Approval) { a.Digest = other.Digest })),
		"many of one person":         b.with(ann, b.by("ann"), b.by("ANN"), b.by("ann ")),
	} {
		for _, again := range []bool{false, true} {
			if r := b.do(in, again); r.Status != "" || r.Refused == "" && r.Waiting == "" {
				t.Errorf("%s, again %v: %+v", name, again, r)
			}
		}
	}
	b.want(0, workflows.FixAwaiting)
}

// TestQuorumOfTheRole is a fix that says of itself that one approval is enough, where the apply role's configuration wants two.
func TestQuorumOfTheRole(t *testing.T) {
	b := newBench(t)
	b.Quorum = investigation.Quorum{Of: map[investigation.ActionKind]int{investigation.RestartAction: 2}}
	ann := b.by("ann")
	if r := b.do(b.with(ann), false); r.Waiting == "" {
		t.Errorf("%+v", r)
	}
	b.want(0, workflows.FixAwaiting)
	if r := b.do(b.with(b.by("bob"), ann), false); r.Status != workflows.FixApplied {
		t.Errorf("%+v", r)
	}
	b.want(1, workflows.FixApplied)
}

func TestQuorumRejection(t *testing.T) {
	b := newQuorum(t)
	ann := b.by("ann")
	b.do(b.with(ann), false)
	no := b.by("bob", func(a *investigation.Approval) { a.Approved = false })
	if r := b.do(b.with(no, ann), false); r.Status != workflows.FixRejected {
		t.Errorf("one rejection is enough: %+v", r)
	}
	if r := b.do(b.with(b.by("cat"), ann), false); r.Refused == "" {
		t.Errorf("approved after it was rejected: %+v", r)
	}
	b.want(0, workflows.FixRejected)
}

// TestQuorumExpires is a first approval that expired before the second came: the second is the first then, and the same
// person may approve anew.
func TestQuorumExpires(t *testing.T) {
	b := newQuorum(t)
	old, bob := b.by("ann", anHourAgo), b.by("bob")
	r := b.do(b.with(bob, old), false)
	if r.Waiting != "1 of 2 approvals, by bob" || !slices.Equal(r.Counted, []string{bob.Nonce}) {
		t.Fatalf("%+v", r)
	}
	if r := b.do(b.with(b.by("ann"), old, bob), false); r.Status != workflows.FixApplied {
		t.Errorf("ann again: %+v", r)
	}
	b.want(1, workflows.FixApplied)
}

// TestQuorumLostAttempt is a second attempt after a first one spent both approvals and died, in time or not.
func TestQuorumLostAttempt(t *testing.T) {
	for name, earlier := range map[string]func(*investigation.Approval){"in time": nil, "the first expired meanwhile": anHourAgo} {
		t.Run(name, func(t *testing.T) {
			b := newQuorum(t)
			ann, bob := b.by("ann"), b.by("bob")
			if earlier != nil {
				ann = b.by("ann", earlier)
			}
			if err := b.db.SpendNonces(t.Context(), b.fix.ID, bob.Nonce, "fix/"+b.fix.ID, ann.Nonce); err != nil {
				t.Fatal(err)
			}
			if r := b.do(b.with(bob, ann), true); r.Status != workflows.FixFailed || !strings.Contains(r.Output, "unknown") {
				t.Errorf("%+v", r)
			}
			b.want(0, workflows.FixFailed)
		})
	}
}

// TestQuorumSlowAttempt is a second attempt while the first is still about to spend approvals of which one expired.
func TestQuorumSlowAttempt(t *testing.T) {
	b := newQuorum(t)
	old, bob := b.by("ann", anHourAgo), b.by("bob")
	if r := b.do(b.with(bob, old), true); r.Waiting == "" {
		t.Fatalf("%+v", r)
	}
	if r, err := b.settle(t.Context(), b.with(bob, old), b.fix, []investigation.Approval{old}, false); err != nil || r.Refused == "" {
		t.Errorf("the slow attempt acted: %+v, %v", r, err)
	}
	b.want(0, workflows.FixAwaiting)
}
