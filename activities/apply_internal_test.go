package activities

import (
	"crypto/ed25519"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/seal"
	"github.com/midwatch/midwatch/workflows"
)

// bench is the apply role on a real metadata store, with an action that leaves a file each time it is done.
type bench struct {
	*Apply
	t   *testing.T
	db  *metadata.DB
	key ed25519.PrivateKey
	dir string
	fix investigation.Fix
}

func newBench(t *testing.T) *bench {
	t.Helper()
	ring, err := seal.LoadRing(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := metadata.Open(t.Context(), metadata.Config{DSN: "sqlite:" + filepath.Join(t.TempDir(), "m.db"), Ring: ring})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, db: db, key: private, dir: t.TempDir()}
	actions := []investigation.Action{{Name: "mark", Kind: investigation.RestartAction, Command: []string{"/usr/bin/mktemp", filepath.Join(b.dir, "XXXXXX")}}}
	b.Apply = &Apply{DB: db, PublicKey: public, Actions: actions, Environment: "test", Log: slog.New(slog.DiscardHandler)}
	b.fix = investigation.Fix{
		ID: "fix-1", Incident: "inc-1", Investigation: "inv-1", Environment: "test", Action: "mark", Kind: investigation.RestartAction, Target: "service/a",
		Content: "/usr/bin/mktemp " + filepath.Join(b.dir, "XXXXXX"), CreatedAt: time.Now().UTC().Truncate(time.Microsecond), Status: workflows.FixAwaiting,
	}
	b.fix.Digest = b.fix.ContentDigest()
	if err := db.PutFix(t.Context(), b.fix); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) signed(change func(*investigation.Approval)) workflows.ApplyInput {
	a := auth.Decide(b.fix, "ann", true)
	if change != nil {
		change(&a)
	}
	auth.SignApproval(b.key, &a)
	return workflows.ApplyInput{Fix: b.fix.ID, Approval: a}
}

func (b *bench) do(in workflows.ApplyInput, again bool) workflows.ApplyResult {
	b.t.Helper()
	r, err := b.decide(b.t.Context(), in, again)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bench) want(times int, status string) {
	b.t.Helper()
	done, err := os.ReadDir(b.dir)
	if err != nil {
		b.t.Fatal(err)
	}
	f, err := b.db.Fix(b.t.Context(), b.fix.ID)
	if err != nil || len(done) != times || f.Status != status {
		b.t.Errorf("done %d times, fix is %s (%s), %v; want %d times, %s", len(done), f.Status, f.Result, err, times, status)
	}
}

func TestApplyRefusesWhatIsNotForThisFix(t *testing.T) {
	cases := map[string]func(*investigation.Approval){
		"digest":      func(a *investigation.Approval) { a.Digest = "0" },
		"fix":         func(a *investigation.Approval) { a.Fix = "fix-2" },
		"incident":    func(a *investigation.Approval) { a.Incident = "inc-2" },
		"target":      func(a *investigation.Approval) { a.Target = "service/b" },
		"environment": func(a *investigation.Approval) { a.Environment = "prod" },
		"expired":     func(a *investigation.Approval) { a.ExpiresAt = time.Now().Add(-time.Second) },
	}
	b := newBench(t)
	for name, change := range cases {
		if r := b.do(b.signed(change), false); r.Refused == "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	unsigned := b.signed(nil)
	unsigned.Approval.Approver = "mallory"
	if r := b.do(unsigned, false); r.Refused == "" {
		t.Errorf("changed after signing: %+v", r)
	}
	if r := b.do(workflows.ApplyInput{Fix: "fix-9", Approval: b.signed(nil).Approval}, false); r.Refused == "" {
		t.Errorf("unknown fix: %+v", r)
	}
	b.want(0, workflows.FixAwaiting)
}

func TestApplyOnce(t *testing.T) {
	b := newBench(t)
	in := b.signed(nil)
	if r := b.do(in, false); r.Status != workflows.FixApplied {
		t.Fatalf("%+v", r)
	}
	if r := b.do(in, true); r.Status != workflows.FixApplied { // the answer was lost, the activity is tried again
		t.Errorf("second attempt: %+v", r)
	}
	if r := b.do(in, false); r.Refused == "" {
		t.Errorf("the same approval again: %+v", r)
	}
	if r := b.do(b.signed(nil), false); r.Refused == "" {
		t.Errorf("a fresh approval of a fix that is done: %+v", r)
	}
	b.want(1, workflows.FixApplied)
}

// TestApplyUnknownOutcome is a worker that died after the approval was spent: nobody knows, so nothing is run again.
func TestApplyUnknownOutcome(t *testing.T) {
	b := newBench(t)
	in := b.signed(nil)
	if err := b.db.SpendNonces(t.Context(), b.fix.ID, in.Approval.Nonce, "fix/"+b.fix.ID); err != nil {
		t.Fatal(err)
	}
	if r := b.do(in, true); r.Status != workflows.FixFailed || !strings.Contains(r.Output, "unknown") {
		t.Errorf("%+v", r)
	}
	b.want(0, workflows.FixFailed)
}

func TestApplyChangedAction(t *testing.T) {
	b := newBench(t)
	b.Actions[0].Command = []string{"/bin/false"}
	if r := b.do(b.signed(nil), false); r.Status != workflows.FixFailed || !strings.Contains(r.Output, "changed") {
		t.Errorf("%+v", r)
	}
	b.want(0, workflows.FixFailed)
}

func TestApplyRejection(t *testing.T) {
	b := newBench(t)
	if r := b.do(b.signed(func(a *investigation.Approval) { a.Approved = false }), false); r.Status != workflows.FixRejected {
		t.Errorf("%+v", r)
	}
	if r := b.do(b.signed(nil), false); r.Refused == "" {
		t.Errorf("approved after it was rejected: %+v", r)
	}
	b.want(0, workflows.FixRejected)
}

// TestApplyLateRetry is an activity whose first attempt got nowhere, and whose second waited until the approval was over.
func TestApplyLateRetry(t *testing.T) {
	over := func(a *investigation.Approval) {
		a.IssuedAt, a.ExpiresAt = a.IssuedAt.Add(-time.Hour), a.ExpiresAt.Add(-time.Hour)
	}
	b := newBench(t)
	if r := b.do(b.signed(over), true); r.Refused == "" {
		t.Errorf("an approval that was never spent and is over: %+v", r)
	}
	b.want(0, workflows.FixAwaiting)

	in := b.signed(over)
	if err := b.db.SpendNonces(t.Context(), b.fix.ID, in.Approval.Nonce, "fix/"+b.fix.ID); err != nil {
		t.Fatal(err)
	}
	if r := b.do(in, true); r.Status != workflows.FixFailed || !strings.Contains(r.Output, "unknown") {
		t.Errorf("an approval that the first attempt spent in time: %+v", r)
	}
}
