package activities

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/code/github"
	"github.com/midwatch/midwatch/internal/code/github/githubtest"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/privacy"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/workflows"
)

const till = "package till\n\nconst Limit = 2\n"

// pullBench is the apply role's bench with a code host and an investigation that read it.
type pullBench struct {
	*bench
	*PullRequests
	repo   *githubtest.Repository
	commit string
	report investigation.Report
	origin string // repository of till, as deployed_code tells it
}

func newPullBench(t *testing.T) *pullBench {
	t.Helper()
	server := githubtest.Start(t)
	b := &pullBench{bench: newBench(t), repo: server.Repository("acme/shop"), origin: "acme/shop"}
	b.commit = b.repo.Commit("First", map[string]string{"till/till.go": till, ".github/workflows/ci.yml": "x\n"})
	client := func(write bool) *github.Client {
		token := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(token, []byte(map[bool]string{false: githubtest.ReadToken, true: githubtest.WriteToken}[write]), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := github.New(github.Config{URL: server.URL, TokenFile: token, WriteTokenFile: token, Repositories: code.Allowed{"acme/shop"}, Write: write})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	reader := client(false)
	b.PullRequests = &PullRequests{DB: b.db, Host: reader, Watcher: reader, Key: []byte("0123456789abcdef0123456789abcdef"), Hosts: []string{"node-7"}}
	b.Publisher = client(true)
	b.report = investigation.Report{
		Verdict: investigation.RootCause, Title: "till is slow ![x](https://evil.example/p.png)", Summary: "It is jsmith. See @everyone at 10.1.2.3 on node-7 <img src=x>",
		Culprit: telemetry.Service("till"), Mechanism: investigation.BadDeployment, Confidence: 0.9, Analyst: "script",
		Chain: []investigation.Claim{{ID: "c1", Text: "stands", Evidence: []string{"e1"}}, {ID: "c2", Text: "fell", Struck: "it did not hold"}},
		Fix: &investigation.FixDraft{Action: "pull_request", Why: "It was 10 before [click](javascript:x)", Code: &investigation.CodeChange{
			Repository: "acme/shop", Commit: b.commit, Service: "till", Title: "Raise the limit, fixes #12 [skip ci] @boss",
			Edits: []investigation.CodeEdit{
				{Path: "till/till.go", Old: "Limit = 2", New: "Limit = 10"}, {Path: "till/limit.md", New: "# Limit\n"},
			},
		}},
	}
	return b
}

// investigate stores an investigation with the bench's report.
func (b *pullBench) investigate(id string) {
	b.t.Helper()
	ctx := b.t.Context()
	if err := b.db.CreateInvestigation(ctx, investigation.Request{ID: id, Incident: "inc-" + id, Environment: "test", Triggers: []investigation.Trigger{{Service: "till"}}}); err != nil {
		b.t.Fatal(err)
	}
	source, _ := json.Marshal(map[string]string{"repository": "acme/shop", "commit": b.commit})
	_, err := b.db.PutEvidence(ctx, investigation.Evidence{
		Investigation: id, Call: "t1c1", Tool: "read_file", Result: source, DataTypes: []investigation.DataType{investigation.Code},
	})
	deployed, _ := json.Marshal(map[string]string{"service": "till", "repository": b.origin})
	_, deployedErr := b.db.PutEvidence(ctx, investigation.Evidence{Investigation: id, Call: "t1c2", Tool: "deployed_code", Result: deployed})
	names := privacy.NewMap()
	r, redactErr := privacy.New(privacy.Config{Key: privacy.EnvironmentKey(b.Key, "test"), Map: names})
	if redactErr != nil {
		b.t.Fatal(redactErr)
	}
	r.Text("Failed password for invalid user jsmith from 10.9.9.9")
	if err := b.db.PutPseudonyms(ctx, id, names); err != nil {
		b.t.Fatal(err)
	}
	if err := errors.Join(err, deployedErr, b.db.PutReport(ctx, id, b.report)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *pullBench) prepared(id string) investigation.Fix {
	b.t.Helper()
	b.investigate(id)
	ref, err := b.prepare(b.t.Context(), id)
	if err != nil || ref.Invalid != "" || !ref.PullRequest || strings.Contains(ref.Content, "\n") {
		b.t.Fatalf("%+v, %v", ref, err)
	}
	fix, err := b.db.Fix(b.t.Context(), ref.ID)
	if err != nil || fix.Digest != fix.ContentDigest() {
		b.t.Fatalf("%+v, %v", fix, err)
	}
	return fix
}

func TestPullRequestIsExact(t *testing.T) {
	b := newPullBench(t)
	fix := b.prepared("inv-9")
	p := fix.PullRequest
	if p.Branch != "midwatch/fix-9" || p.Base != "main" || p.Commit != b.commit || len(p.Files) != 2 || p.Files[0].Content != strings.Replace(till, "2", "10", 1) {
		t.Errorf("%+v", p)
	}
	if !strings.Contains(fix.Content, "-const Limit = 2\n+const Limit = 10") || !strings.Contains(fix.Content, "+# Limit") {
		t.Errorf("content:\n%s", fix.Content)
	}
	for _, bad := range []string{"![", "](http", "<img", "@everyone", "10.1.2.3", "node-7", "jsmith", "[click]", "fell", "https://evil"} {
		if strings.Contains(p.Body, bad) {
			t.Errorf("the body holds %q:\n%s", bad, p.Body)
		}
	}
	for _, good := range []string{"stands", "till", b.commit, "ip-", "host-"} {
		if !strings.Contains(p.Body, good) {
			t.Errorf("the body misses %q:\n%s", good, p.Body)
		}
	}
	for _, bad := range []string{"#12", "[skip ci]", "@"} {
		if strings.Contains(p.Title, bad) {
			t.Errorf("title %q", p.Title)
		}
	}
	changed := fix
	other := *p
	other.Files = append([]investigation.FileChange{}, p.Files...)
	other.Files[0].Content += " "
	changed.PullRequest = &other
	if changed.ContentDigest() == fix.Digest {
		t.Error("the digest does not cover the files")
	}
	again, err := b.prepare(t.Context(), "inv-9")
	if err != nil || again.Digest != fix.Digest {
		t.Errorf("prepared again: %+v, %v", again, err)
	}
}

func TestPullRequestDraftsThatDoNotFit(t *testing.T) {
	for name, change := range map[string]func(*investigation.CodeChange){
		"a branch":           func(c *investigation.CodeChange) { c.Commit = "main" },
		"an unread commit":   func(c *investigation.CodeChange) { c.Commit = strings.Repeat("a", 40) },
		"another repository": func(c *investigation.CodeChange) { c.Repository = "acme/other" },
		"an unseen service":  func(c *investigation.CodeChange) { c.Service = "nobody" },
		"no edits":           func(c *investigation.CodeChange) { c.Edits = nil },
		"no title":           func(c *investigation.CodeChange) { c.Title = " " },
		"what is not there":  func(c *investigation.CodeChange) { c.Edits[0].Old = "Limit = 3" },
		"what is there more": func(c *investigation.CodeChange) { c.Edits[0].Old = "t" },
		"nothing":            func(c *investigation.CodeChange) { c.Edits[0].New = c.Edits[0].Old },
		"an existing file":   func(c *investigation.CodeChange) { c.Edits[0].Old = "" },
		"a missing file":     func(c *investigation.CodeChange) { c.Edits[0].Path = "x.go" },
		"a workflow": func(c *investigation.CodeChange) {
			c.Edits[0] = investigation.CodeEdit{Path: ".github/workflows/ci.yml", Old: "x", New: "y"}
		},
		"a path above":    func(c *investigation.CodeChange) { c.Edits[0].Path = "../till.go" },
		"binary":          func(c *investigation.CodeChange) { c.Edits[0].New = "\x00" },
		"a secret's mark": func(c *investigation.CodeChange) { c.Edits[0].New = "Limit = [secret:api-key]" },
		"a pseudonym":     func(c *investigation.CodeChange) { c.Edits[0].New = "Limit = 10 // as user-7abcdef0 says" },
		"a name":          func(c *investigation.CodeChange) { c.Edits[0].New = "Limit = 10 // as 10.4.5.6 says" },
		"a known name":    func(c *investigation.CodeChange) { c.Edits[0].New = "Limit = 10 // as jsmith says" },
		"a secret":        func(c *investigation.CodeChange) { c.Edits[1].New = "password = hunter2hunter2" },
		"too much":        func(c *investigation.CodeChange) { c.Edits[1].New = strings.Repeat("x\n", maxPullDiff) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newPullBench(t)
			change(b.report.Fix.Code)
			b.investigate("inv-9")
			if ref, err := b.prepare(t.Context(), "inv-9"); err != nil || ref.Invalid == "" || ref.ID != "" {
				t.Errorf("%+v, %v; want an invalid draft", ref, err)
			} else {
				t.Log(ref.Invalid)
			}
		})
	}
}

// Code is changed only in the repository of the service that is to blame.
func TestPullRequestOfTheCulpritAlone(t *testing.T) {
	for name, change := range map[string]func(*pullBench){
		"another repository": func(b *pullBench) { b.origin = "acme/other" },
		"another culprit":    func(b *pullBench) { b.report.Culprit = telemetry.Service("cart") },
	} {
		t.Run(name, func(t *testing.T) {
			b := newPullBench(t)
			change(b)
			b.investigate("inv-9")
			if ref, err := b.prepare(t.Context(), "inv-9"); err != nil || ref.Invalid == "" {
				t.Errorf("%+v, %v; want an invalid draft", ref, err)
			}
		})
	}
	b := newPullBench(t)
	b.report.Culprit = telemetry.Table("shop", "tills") // whose statements are till's
	b.prepared("inv-9")
}

func TestApplyOpensOnePullRequest(t *testing.T) {
	b := newPullBench(t)
	b.fix = b.prepared("inv-9")
	in := b.signed(nil)
	r := b.do(in, false)
	if r.Status != workflows.FixApplied || !strings.Contains(r.Output, "pull request 1") {
		t.Fatalf("%+v", r)
	}
	if r := b.do(in, true); r.Status != workflows.FixApplied { // the answer was lost
		t.Errorf("second attempt: %+v", r)
	}
	if r := b.do(b.signed(nil), false); r.Refused == "" {
		t.Errorf("a fresh approval of a fix that is done: %+v", r)
	}
	if n := len(b.repo.Pulls()); n != 1 {
		t.Errorf("%d pull requests", n)
	}
	state, err := b.Watcher.State(t.Context(), *b.fix.PullRequest)
	if err != nil || !state.Open || state.Merged {
		t.Errorf("%+v, %v; Midwatch never merges", state, err)
	}
}

// lost is a code host that dies after the branch was made, as often as told.
type lost struct {
	code.Publisher
	times int
}

func (l *lost) Publish(ctx context.Context, p investigation.PullRequest) (code.Published, error) {
	made, err := l.Publisher.Publish(ctx, p)
	if l.times--; l.times >= 0 {
		return code.Published{}, errors.New("connection reset")
	}
	return made, err
}

func TestApplyFinishesWhatItBegan(t *testing.T) {
	b := newPullBench(t)
	b.fix = b.prepared("inv-9")
	b.Publisher = &lost{b.Publisher, 1}
	in := b.signed(nil)
	if r, err := b.decide(t.Context(), in, false); err == nil {
		t.Fatalf("%+v", r)
	}
	if r := b.do(in, true); r.Status != workflows.FixApplied {
		t.Errorf("%+v", r)
	}
	if n := len(b.repo.Pulls()); n != 1 {
		t.Errorf("%d pull requests", n)
	}
}

func TestApplyDoesNotFinishOnAnExpiredApproval(t *testing.T) {
	b := newPullBench(t)
	b.fix = b.prepared("inv-9")
	in := b.signed(func(a *investigation.Approval) {
		a.IssuedAt, a.ExpiresAt = a.IssuedAt.Add(-time.Hour), a.ExpiresAt.Add(-time.Hour)
	})
	if err := errors.Join(b.db.SpendNonces(t.Context(), b.fix.ID, in.Approval.Nonce, "fix/"+b.fix.ID), b.db.SetFixStatus(t.Context(), b.fix.ID, workflows.FixApplying, "")); err != nil {
		t.Fatal(err)
	}
	if r := b.do(in, true); r.Status != workflows.FixFailed || !strings.Contains(r.Output, "expired") || len(b.repo.Pulls()) != 0 {
		t.Errorf("%+v", r)
	}
}

func TestApplyWithoutTheRightToWrite(t *testing.T) {
	b := newPullBench(t)
	b.fix = b.prepared("inv-9")
	b.Publisher = nil
	if r := b.do(b.signed(nil), false); r.Status != workflows.FixFailed {
		t.Errorf("%+v", r)
	}
}

func TestApplyRejectedPullRequest(t *testing.T) {
	b := newPullBench(t)
	b.fix = b.prepared("inv-9")
	if r := b.do(b.signed(func(a *investigation.Approval) { a.Approved = false }), false); r.Status != workflows.FixRejected || len(b.repo.Pulls()) != 0 {
		t.Errorf("%+v", r)
	}
}
