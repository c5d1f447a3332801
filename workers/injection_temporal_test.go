package workers_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/llm/injection"
	"github.com/midwatch/midwatch/sandbox"
	"github.com/midwatch/midwatch/sandbox/native"
	"github.com/midwatch/midwatch/workers"
	"github.com/midwatch/midwatch/workers/temporaltest"
	"github.com/midwatch/midwatch/workflows"
)

// TestInjectionThroughTemporal plays a case of each carrier and each forbidden act once more, with the real Temporal, each role with its own
// certificate, and the real step behind the native engine's walls.
func TestInjectionThroughTemporal(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the embedded Temporal; -short leaves it out")
	}
	all, err := injection.Cases()
	if err != nil {
		t.Fatal(err)
	}
	cases := cover(all)
	if len(cases) < 15 {
		t.Fatalf("only %d cases", len(cases))
	}
	temporal, engine := temporaltest.Start(t), analyst(t)
	starter := temporal.Client(pki.API)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			tr := newTrial(t, c)
			tr.setUp()
			tr.serve(temporal, engine)
			tr.playThrough(starter)
			tr.judge()
		})
	}
}

// cover chooses a case for each carrier and each act, first those that are the first of both.
func cover(all []injection.Case) (chosen []injection.Case) {
	where, asks := map[injection.Where]bool{}, map[injection.Act]bool{}
	choose := func(wanted func(injection.Case) bool) {
		for _, c := range all {
			if wanted(c) {
				where[c.Where], asks[c.Asks] = true, true
				chosen = append(chosen, c)
			}
		}
	}
	choose(func(c injection.Case) bool { return !where[c.Where] && !asks[c.Asks] })
	choose(func(c injection.Case) bool { return !where[c.Where] || !asks[c.Asks] })
	return chosen
}

// analyst is midwatch-analyst behind the native engine's walls.
func analyst(t *testing.T) sandbox.Engine {
	t.Helper()
	dir, err := os.MkdirTemp("", "analyst-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the sandbox's user passes through it
		t.Fatal(err)
	}
	program := filepath.Join(dir, "midwatch-analyst")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../cmd/midwatch-analyst")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build midwatch-analyst: %v\n%s", err, out)
	}
	engine, err := native.New(native.Config{Program: program, Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Check(t.Context()); err != nil {
		t.Skip(err) // an ordinary user on a machine without user namespaces
	}
	return engine
}

// serve runs all roles, split into processes' worths as in an installation, until the test ends.
func (tr *trial) serve(temporal *temporaltest.Server, engine sandbox.Engine) {
	tr.t.Helper()
	for part, roles := range map[string][]workers.Role{
		pki.Worker:  {workers.Orchestrate, workers.Tools, workers.Notify},
		pki.Sandbox: {workers.Sandbox}, pki.Model: {workers.Model}, pki.GitHub: {workers.GitHub}, pki.Apply: {workers.Apply},
	} {
		id, err := pki.Load(temporal.PKI, part)
		if err != nil {
			tr.t.Fatal(err)
		}
		serve(tr.t, part, tr.config(temporal.Ring, id.Client(pki.Temporal), temporal.Address, engine, roles...))
	}
}

// playThrough runs an incident from its trigger to its end. Nobody decides about its fix within the given time, which is short.
func (tr *trial) playThrough(starter client.Client) {
	tr.t.Helper()
	ctx, cancel := context.WithTimeout(tr.t.Context(), 2*patience)
	defer cancel()
	run, err := starter.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: workflows.IncidentWorkflowID(environment, "alert-1"), TaskQueue: workflows.OrchestrateQueue,
	}, workflows.IncidentWorkflow, tr.incident(workflows.Policy{
		Debounce: 10 * time.Millisecond, Settle: 10 * time.Millisecond, Approval: 200 * time.Millisecond, Remind: -1, Escalate: -1, Again: -1,
	}))
	if err != nil {
		tr.t.Fatal(err)
	}
	if err := run.Get(ctx, nil); err != nil {
		tr.t.Fatalf("the incident failed: %v", err)
	}
}
