package workers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/code/github"
	"github.com/midwatch/midwatch/internal/code/github/githubtest"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/result"
	"github.com/midwatch/midwatch/workers"
	"github.com/midwatch/midwatch/workflows"
)

const (
	shopRepository = "acme/shop"
	poolFile       = "pool.go"
	poolBefore     = "package payment\n\nconst Pool = 2\n"
	poolAfter      = "package payment\n\nconst Pool = 20\n"
)

// codeHost is a GitHub with one repository, payment's, and what telemetry says of the commits that payment runs.
type codeHost struct {
	*githubtest.Server
	repository     *githubtest.Repository
	commit         string // that ran when it broke
	reader, writer *github.Client

	mu    sync.Mutex
	runs  []string // commits that payment runs, oldest first
	asked int      // how often that was asked
}

func newCodeHost(t *testing.T) *codeHost {
	t.Helper()
	h := &codeHost{Server: githubtest.Start(t)}
	h.repository = h.Repository(shopRepository)
	h.commit = h.repository.Commit("First", map[string]string{poolFile: poolBefore})
	client := func(token string, write bool) *github.Client {
		file := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := github.New(github.Config{URL: h.URL, TokenFile: file, WriteTokenFile: file, Repositories: code.Allowed{shopRepository}, Write: write})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	h.reader, h.writer = client(githubtest.ReadToken, false), client(githubtest.WriteToken, true)
	return h
}

// serve gives a worker its code host and the tools that read it.
func (h *codeHost) serve(cfg *workers.Config, more ...tools.Tool) {
	cfg.Host, cfg.Watcher, cfg.Publisher = h.reader, h.reader, h.writer
	cfg.Registry = tools.New(slices.Concat(more, tools.Code(h.reader), []tools.Tool{h.deployed()})...)
}

// deployed is deployed_code without a store.
func (h *codeHost) deployed() tools.Tool {
	tool := tools.DeployedCode(nil, code.Sources{})
	tool.Run = func(context.Context, tools.Scope, json.RawMessage) (tools.Result, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.asked++
		d := result.DeployedCode{Service: "payment", Repository: shopRepository, Versions: []result.CodeVersion{}}
		for _, c := range h.runs {
			d.Versions = append(d.Versions, result.CodeVersion{Commit: c, First: time.Now()})
		}
		return tools.Result{Summary: "payment runs what it runs", Data: d}, nil
	}
	return tool
}

// deploy has payment run these commits from now on.
func (h *codeHost) deploy(commits ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.runs, h.asked = commits, 0
}

// lookedAfter tells whether it was asked since the last deploy what payment runs.
func (h *codeHost) lookedAfter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked > 0
}

// proposes plays an investigation that reads the code and wants it changed.
func (h *codeHost) proposes(s *script) {
	read, _ := json.Marshal(map[string]any{"repository": shopRepository, "commit": h.commit, "path": poolFile})
	now := time.Now().UTC()
	ran, _ := json.Marshal(map[string]any{"service": "payment", "from": now.Add(-time.Minute), "to": now})
	s.set(1, func(investigation.Transcript) investigation.Step {
		return investigation.Step{Say: "I look around.", Calls: []investigation.ToolCall{
			probeCall(1, 1, 7), {ID: "t1c2", Tool: "read_file", Why: "to see", Arguments: read}, {ID: "t1c3", Tool: "deployed_code", Why: "to know", Arguments: ran},
		}}
	})
	s.set(2, func(t investigation.Transcript) investigation.Step {
		counted := t.Turns[0].Evidence[0]
		return investigation.Step{Say: "It is clear now.", Report: &investigation.Report{
			Verdict: investigation.RootCause, Title: "payment waits for connections", Summary: "It does.", Culprit: telemetry.Service("payment"),
			Mechanism: investigation.BadDeployment, Confidence: 0.9, Analyst: "script",
			Chain: []investigation.Claim{{
				ID: "c1", Text: "seven", Evidence: []string{counted}, Checks: []investigation.Check{{Expression: fmt.Sprintf(`ev[%q]["n"] == 7`, counted)}},
			}},
			Fix: &investigation.FixDraft{Action: string(investigation.OpenPullRequest), Why: "two are not enough", Code: &investigation.CodeChange{
				Repository: shopRepository, Commit: h.commit, Service: "payment", Title: "Let payment have more connections",
				Edits: []investigation.CodeEdit{{Path: poolFile, Old: "Pool = 2", New: "Pool = 20"}},
			}},
		}}
	})
}

// TestMergeStory follows an approved pull request until it is merged, runs, and has helped. What a webhook says before it is true
// is not believed, and a commit that does not hold the fix is not taken for it.
func TestMergeStory(t *testing.T) {
	h := newCodeHost(t)
	r := newRigWith(t, func(r *rig) { r.code = h })
	h.proposes(r.script)
	h.deploy(h.commit)
	first := trigger("alert-1", "payment", investigation.Alert)
	r.raise(first)
	id := workflows.IncidentID(environment, first.ID)
	fix := r.fix(id)
	if fix.PullRequest == nil || len(h.repository.Pulls()) != 0 {
		t.Fatalf("%+v, and %d pull requests before anybody approved", fix, len(h.repository.Pulls()))
	}
	r.decide(r.approval(fix, true))
	r.awaitStatus(id, workflows.AwaitingMerge)
	if content, ok := h.repository.File(fix.PullRequest.Branch, poolFile); !ok || content != poolAfter || len(h.repository.Pulls()) != 1 {
		t.Fatalf("branch holds %q, %d pull requests", content, len(h.repository.Pulls()))
	}

	looks := h.looks()
	r.webhook(fix)
	r.await("a false word is looked into", func() bool { return h.looks() > looks })
	if got := r.incident(id).Status; got != workflows.AwaitingMerge {
		t.Errorf("%s after a false word", got)
	}
	beside := h.repository.Commit("Beside", map[string]string{poolFile: poolBefore}, h.commit)
	merged := h.repository.Merge(1)
	after := h.repository.Commit("After", map[string]string{poolFile: poolAfter}, merged)
	if *update { // a history with the pause between two looks takes half a minute
		h.deploy()
		r.webhook(fix)
		r.await("what runs is looked at", h.lookedAfter)
	}
	h.deploy(h.commit, beside, after)
	r.webhook(fix)
	r.awaitStatus(id, workflows.Resolved)
	f, err := r.db.Fix(t.Context(), fix.ID)
	if err != nil || f.Status != workflows.FixVerified || r.applied() != 0 {
		t.Errorf("fix is %s: %s, %v; %d commands ran", f.Status, f.Result, err, r.applied())
	}
	if *update {
		save(t, r, r.client, workflows.RemediationWorkflowID(environment, fix.ID), "", "remediation-merge")
	}
	for _, c := range []string{h.commit, beside, after} {
		if h.Count("/compare/"+merged+"..."+c) == 0 {
			t.Errorf("whether %s holds the fix was not looked at", c)
		}
	}
}

// looks counts how often it was asked what became of the pull request.
func (h *codeHost) looks() int { return h.Count("GET /repos/" + shopRepository + "/pulls/1") }

// webhook tells, as the api does, that something became of a fix's pull request.
func (r *rig) webhook(f investigation.Fix) {
	r.t.Helper()
	if err := r.client.SignalWorkflow(r.t.Context(), workflows.RemediationWorkflowID(environment, f.ID), "", workflows.MergeSignal, "delivery"); err != nil {
		r.t.Fatal(err)
	}
}
