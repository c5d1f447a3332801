package workers_test

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm/gate"
	"github.com/midwatch/midwatch/internal/llm/gate/gatetest"
	"github.com/midwatch/midwatch/internal/llm/injection"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/seal"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/sandbox"
	"github.com/midwatch/midwatch/workers"
	"github.com/midwatch/midwatch/workflows"
)

// Bounds of a trial's investigation: a model that obeys is stopped by them, not by its conscience.
const (
	trialTurns  = 6
	trialTokens = 300_000
)

// allTypes lets a model see everything: what holds here holds for less.
var allTypes = []investigation.DataType{
	investigation.Logs, investigation.Metrics, investigation.Traces, investigation.Profiling, investigation.Configuration, investigation.Cluster, investigation.Code,
}

// TestInjection plays every case of the corpus with a model that obeys whatever it reads, from the trigger to the end of the
// fix's time: real workflows, activities, stores and vendor's SDK, without Temporal's server.
func TestInjection(t *testing.T) {
	cases, err := injection.Cases()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel() // they wait for their stores' disk
			tr := newTrial(t, c)
			tr.play(tr.setUp())
			tr.judge()
		})
	}
}

// trial is one case under way.
type trial struct {
	injection.Case
	t      *testing.T
	model  *injection.Obedient
	server *llmtest.Server
	decoy  *decoy
	db     *metadata.DB
	rig    *rig // for its script, its actions and their traces; it has no server
	out    *outside
	kube   *cluster
	sees   map[string]any // what every tool's answer holds besides

	mu   sync.Mutex
	runs []ran
}

// ran is a tool that ran.
type ran struct {
	tool      string
	scope     tools.Scope
	arguments string
}

func newTrial(t *testing.T, c injection.Case) *trial {
	t.Helper()
	d := newDecoy(t)
	c = c.With(d.Addr().String())
	return &trial{Case: c, t: t, model: injection.New(c), decoy: d, out: newOutside(t), kube: &cluster{}, rig: &rig{t: t, dir: t.TempDir(), script: &script{}, detector: &detector{}}}
}

// setUp starts the provider, opens the metadata store, whose ring it returns, and switches AI on.
func (tr *trial) setUp() *seal.Ring {
	tr.t.Helper()
	server, account := gatetest.Scripted(tr.t, tr.model.Answer)
	account.MaxTokens = 4096
	tr.server, tr.rig.models = server, []gate.Account{account}
	ring, err := seal.LoadRing(filepath.Join(tr.t.TempDir(), "metadata.key"))
	if err != nil {
		tr.t.Fatal(err)
	}
	if tr.db, err = metadata.Open(tr.t.Context(), metadata.Config{DSN: "sqlite:" + filepath.Join(tr.t.TempDir(), "metadata.db"), Ring: ring}); err != nil {
		tr.t.Fatal(err)
	}
	tr.t.Cleanup(func() { _ = tr.db.Close() })
	tr.rig.db = tr.db
	tr.rig.switchAI(true, allTypes...)
	return ring
}

// play runs an incident from its trigger to its end. Timers need no time.
func (tr *trial) play(ring *seal.Ring) {
	tr.t.Helper()
	env := tr.environment(ring)
	env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(errors.New("no such workflow"))
	env.ExecuteWorkflow(workflows.IncidentWorkflow, tr.incident(workflows.Policy{}))
	if err := env.GetWorkflowError(); err != nil {
		tr.t.Fatalf("the incident failed: %v", err)
	}
}

// environment runs workflows with all activities, without Temporal's server.
func (tr *trial) environment(ring *seal.Ring) *testsuite.TestWorkflowEnvironment {
	tr.t.Helper()
	tr.rig.script.noProblem() // the built-in analyst, should the model be taken off
	w, err := workers.New(tr.config(ring, &tls.Config{MinVersion: tls.VersionTLS13}, "127.0.0.1:1", tr.rig.script,
		workers.Orchestrate, workers.Tools, workers.Sandbox, workers.Model, workers.GitHub, workers.Apply, workers.Notify))
	if err != nil {
		tr.t.Fatal(err)
	}

	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: patience}) // a busy machine is none
	env.SetTestTimeout(patience)                                             // without any progress
	w.Register(env)
	return env
}

// incident is the case's, within the bounds of a trial.
func (tr *trial) incident(p workflows.Policy) workflows.IncidentInput {
	p.Turns, p.Tokens = trialTurns, trialTokens
	return workflows.IncidentInput{Environment: environment, Workflow: "incident", Triggers: []investigation.Trigger{tr.trigger()}, Policy: p}
}

func (tr *trial) trigger() investigation.Trigger {
	first := trigger("alert-1", "payment", investigation.Alert)
	first.Summary = "payment fails"
	if tr.Where == injection.Trigger {
		first.Summary = strings.Join(tr.Records, " ")
	}
	return first
}

// config is what a process with some roles needs.
func (tr *trial) config(ring *seal.Ring, certificate *tls.Config, temporal string, engine sandbox.Engine, roles ...workers.Role) workers.Config {
	tr.t.Helper()
	key, err := auth.LoadApprovalKey(filepath.Join(tr.t.TempDir(), "approval"))
	if err != nil {
		tr.t.Fatal(err)
	}
	selector := &gate.Selector{Policies: tr.db}
	for _, m := range tr.rig.models {
		selector.Accounts = append(selector.Accounts, m.ProviderConfig)
	}
	door, err := gate.New(gate.Config{Policies: tr.db, Ledger: tr.db, Accounts: tr.rig.models})
	if err != nil {
		tr.t.Fatal(err)
	}
	return workers.Config{
		Roles: roles, Address: temporal, TLS: certificate, Ring: ring, Environment: environment, Metadata: tr.db,
		Registry: tr.registry(), Detector: tr.rig.detector, Host: struct{ code.Host }{}, Watcher: struct{ code.Watcher }{}, Notifier: tr.out.notifier,
		Engine: engine, Actions: slices.Concat(tr.rig.actions(), remedies.Actions()), Cluster: tr.kube, PublicKey: key.Public().(ed25519.PublicKey), ScanEvery: -1,
		Models: selector, Gate: door, PseudonymKey: []byte("a key of tests, for tests alone."), Log: slog.New(slog.DiscardHandler),
	}
}

// registry has all real tools, with their schemas. What they answer is the case's, and the same to all.
func (tr *trial) registry() *tools.Registry {
	real := tools.All(nil, tools.Code(nil)...)
	var list []tools.Tool
	for _, name := range real.Names() {
		tool, err := real.Get(name)
		if err != nil {
			tr.t.Fatal(err)
		}
		tool.Run = func(_ context.Context, scope tools.Scope, arguments json.RawMessage) (tools.Result, error) {
			return tr.run(name, scope, arguments), nil
		}
		tool.Control = func(json.RawMessage, investigation.Window) (json.RawMessage, bool) {
			return json.RawMessage(healthy), true
		}
		list = append(list, tool)
	}
	return tools.New(list...)
}

// healthy are the arguments that ask about the healthy time, when nothing was there.
const healthy = `{"healthy":true}`

func (tr *trial) run(name string, scope tools.Scope, arguments json.RawMessage) tools.Result {
	if string(arguments) == healthy {
		return tools.Result{Summary: "nothing", Data: map[string]any{"n": 0}}
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.runs = append(tr.runs, ran{name, scope, string(arguments)})
	data := map[string]any{"n": 7}
	maps.Copy(data, tr.sees)
	var asked struct{ Service string }
	if json.Unmarshal(arguments, &asked) == nil && asked.Service != "" {
		data["service"] = asked.Service // as the real ones do
	}
	if name == tr.Where.Tool() {
		raw, _ := json.Marshal(tr.Where.Result(tr.Records))
		_ = json.Unmarshal(raw, &data)
		data["n"] = 7
	}
	return tools.Result{Summary: "saw it", Query: "SELECT 1", Data: data}
}

func (tr *trial) ran() []ran {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return slices.Clone(tr.runs)
}

// decoy is a server that nobody may reach.
type decoy struct {
	net.Listener
	connections atomic.Int64
}

func newDecoy(t *testing.T) *decoy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed with the test
	if err != nil {
		t.Fatal(err)
	}
	d := &decoy{Listener: l}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			d.connections.Add(1)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return d
}

// offered are the fixes that somebody could approve.
func (tr *trial) offered() []investigation.Fix {
	tr.t.Helper()
	fixes, err := tr.db.ListFixes(tr.t.Context(), 100)
	if err != nil {
		tr.t.Fatal(err)
	}
	return fixes
}

// investigated is what the investigation left behind.
func (tr *trial) investigated() metadata.Investigation {
	tr.t.Helper()
	inv, err := tr.db.Investigation(tr.t.Context(), workflows.InvestigationID(workflows.IncidentID(environment, "alert-1")))
	if err != nil {
		tr.t.Fatal(err)
	}
	if inv.Report == nil {
		tr.t.Fatal("there is no report")
	}
	return inv
}

// wanted is the one fix that a trial may offer.
func wanted(f investigation.Fix) bool {
	return f.Action == "restart" && f.PullRequest == nil && maps.Equal(f.Parameters, map[string]string{"service": "payment"}) &&
		strings.HasPrefix(f.Content, "/usr/bin/mktemp ") && f.Digest == f.ContentDigest()
}

// unapplied: nobody decided in the given time, so it expired.
func unapplied(f investigation.Fix) bool { return f.Status == workflows.FixExpired }
