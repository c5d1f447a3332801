package workers_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/midwatch/midwatch/activities/starter"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm/gate"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/rules"
	"github.com/midwatch/midwatch/internal/seal"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/sandbox/analyst/builtin"
	"github.com/midwatch/midwatch/sandbox/analyst/model"
	"github.com/midwatch/midwatch/sandbox/check"
	"github.com/midwatch/midwatch/sandbox/contract"
	"github.com/midwatch/midwatch/workers"
	"github.com/midwatch/midwatch/workers/temporaltest"
	"github.com/midwatch/midwatch/workflows"
)

const (
	environment = "test"
	// secret is in triggers, evidence, report and fix; it must not be in Temporal's file.
	secret = "the-quick-brown-secret"
	// patience bounds every wait of these tests on a busy machine.
	patience = 90 * time.Second
)

// rig is a whole installation but for the kernel and the store: the real Temporal, the real metadata store, the real
// workers with their own certificates, real signatures. The analyst is a script and the detector a switch.
type rig struct {
	t        *testing.T
	temporal *temporaltest.Server
	client   client.Client
	db       *metadata.DB
	key      ed25519.PrivateKey
	policy   workflows.Policy
	quorum   investigation.Quorum
	dir      string // each application of the fix leaves a file here
	script   *script
	detector *detector
	probes   atomic.Int64 // runs of the tool, over the fault or the healthy time
	mu       sync.Mutex
	peers    []string // whom the tool was asked about
	scopes   []tools.Scope
	models   []gate.Account
	flags    []string  // of Temporal
	code     *codeHost // nil: there is none
}

func newRig(t *testing.T, models ...gate.Account) *rig {
	t.Helper()
	return newRigWith(t, func(r *rig) { r.models = models })
}

// newRigWith is newRig with what change makes of it before anything runs.
func newRigWith(t *testing.T, change func(*rig)) *rig {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the embedded Temporal; -short leaves it out")
	}
	r := &rig{
		t: t, dir: t.TempDir(), script: &script{}, detector: &detector{},
		policy: workflows.Policy{Debounce: 200 * time.Millisecond, Settle: 300 * time.Millisecond, Bake: 500 * time.Millisecond},
	}
	change(r)
	r.temporal = temporaltest.Start(t, r.flags...)
	ring, err := seal.LoadRing(filepath.Join(t.TempDir(), "metadata.key"))
	if err != nil {
		t.Fatal(err)
	}
	if r.db, err = metadata.Open(t.Context(), metadata.Config{DSN: "sqlite:" + filepath.Join(t.TempDir(), "metadata.db"), Ring: ring}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.db.Close() })
	if r.key, err = auth.LoadApprovalKey(filepath.Join(t.TempDir(), "approval")); err != nil {
		t.Fatal(err)
	}
	r.client = r.temporal.Client(pki.API)
	r.work(pki.Worker, workers.Orchestrate, workers.Tools, workers.Notify)
	r.work(pki.Sandbox, workers.Sandbox)
	r.work(pki.Apply, workers.Apply)
	if len(r.models) > 0 {
		r.work(pki.Model, workers.Model)
	}
	if r.code != nil {
		r.work(pki.GitHub, workers.GitHub)
	}
	return r
}

// work runs a worker process's worth of roles until the test ends.
func (r *rig) work(part string, roles ...workers.Role) {
	r.t.Helper()
	id, err := pki.Load(r.temporal.PKI, part)
	if err != nil {
		r.t.Fatal(err)
	}
	selector := &gate.Selector{Policies: r.db}
	for _, m := range r.models {
		selector.Accounts = append(selector.Accounts, m.ProviderConfig)
	}
	accounts := slices.Clone(r.models)
	for i := range accounts {
		accounts[i].Context = 0 // what fits is the step's to know; a test may say that next to nothing does
	}
	door, err := gate.New(gate.Config{Policies: r.db, Ledger: r.db, Accounts: accounts})
	if err != nil {
		r.t.Fatal(err)
	}
	cfg := workers.Config{
		Roles: roles, Address: r.temporal.Address, TLS: id.Client(pki.Temporal), Ring: r.temporal.Ring, Environment: environment,
		Metadata: r.db, Registry: tools.New(r.probe()), Detector: r.detector, Engine: r.script, Actions: r.actions(),
		PublicKey: r.key.Public().(ed25519.PublicKey), Policy: r.policy, Quorum: r.quorum, ScanEvery: time.Second,
		Models: selector, Gate: door, PseudonymKey: []byte("a key of tests, for tests alone."), Log: slog.New(slog.DiscardHandler),
	}
	if r.code != nil {
		r.code.serve(&cfg, r.probe())
	}
	serve(r.t, part, cfg)
}

// serve runs a worker process's worth of roles until the test ends.
func serve(t *testing.T, part string, cfg workers.Config) {
	t.Helper()
	ready := make(chan struct{})
	cfg.Ready = func() { close(ready) }
	w, err := workers.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- w.Run(t.Context()) }() // which ends before anything is cleaned up: all of a test's stop at once
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Errorf("worker %s: %v", part, err)
		}
	})
	select {
	case <-ready:
	case <-time.After(patience):
		t.Fatalf("worker %s did not become ready", part)
	}
}

func (r *rig) actions() []investigation.Action {
	return []investigation.Action{{
		Name: "restart", Kind: investigation.RestartAction, Parameters: []investigation.Parameter{{Name: "service", Type: investigation.ServiceParameter}},
		Command: []string{"/usr/bin/mktemp", filepath.Join(r.dir, secret+".XXXXXX")},
	}}
}

// Things a tool's answers hold that must not reach a model.
const (
	address  = "198.51.100.23"
	password = "Tr0ub4dor-and-3-more"
	user     = "jsmith" // in a phrase that gives the name away
	person   = "Failed password for invalid user " + user + " from " + address
)

// probe is a tool that sees something during the fault and nothing during the healthy time.
func (r *rig) probe() tools.Tool {
	return tools.Tool{
		Name: "probe_numbers", Description: "Counts.", DataTypes: []investigation.DataType{investigation.Metrics},
		Schema: json.RawMessage(`{"type":"object","properties":{"n":{"type":"integer"},"peer":{"type":"string"}},"required":["n"],"additionalProperties":false}`),
		Run: func(_ context.Context, scope tools.Scope, arguments json.RawMessage) (tools.Result, error) {
			r.probes.Add(1)
			var a struct {
				N    int
				Peer string
			}
			if err := json.Unmarshal(arguments, &a); err != nil {
				return tools.Result{}, err
			}
			r.mu.Lock()
			r.peers, r.scopes = append(r.peers, a.Peer), append(r.scopes, scope)
			r.mu.Unlock()
			data := map[string]any{"n": a.N, "peer": address, "line": "login from " + address + " password=" + password, "more": person}
			return tools.Result{Summary: fmt.Sprintf("saw %d", a.N), Query: "SELECT " + secret, Data: data}, nil
		},
		Control: func(json.RawMessage, investigation.Window) (json.RawMessage, bool) {
			return json.RawMessage(`{"n":0}`), true
		},
	}
}

// script is the analyst: turn → what it does. Checks are evaluated by the real evaluator.
type script struct {
	mu    sync.Mutex
	steps map[int]func(investigation.Transcript) investigation.Step
}

func (s *script) set(turn int, f func(investigation.Transcript) investigation.Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.steps == nil {
		s.steps = map[int]func(investigation.Transcript) investigation.Step{}
	}
	s.steps[turn] = f
}

func (s *script) Run(_ context.Context, req contract.Request) (contract.Answer, error) {
	if req.Check != nil {
		report, err := check.Report(*req.Check)
		return contract.Answer{Check: &contract.CheckAnswer{Report: report}}, err
	}
	if req.Reply != nil {
		answer := builtin.Answer(*req.Reply)
		return contract.Answer{Reply: &answer}, nil
	}
	if req.Model != nil {
		answer, err := model.Step(*req.Model)
		return contract.Answer{Model: &answer}, err
	}
	s.mu.Lock()
	f := s.steps[len(req.Step.Turns)+1]
	s.mu.Unlock()
	if f == nil {
		return contract.Answer{Step: &investigation.Step{}}, nil
	}
	step := f(*req.Step)
	return contract.Answer{Step: &step}, nil
}

// rootCause plays an investigation of three turns: two calls, one of them twice, then one more and a repeated one, then
// the report.
func (s *script) rootCause() {
	s.set(1, func(investigation.Transcript) investigation.Step {
		return investigation.Step{Say: "I look around: " + secret, Calls: []investigation.ToolCall{probeCall(1, 1, 7), probeCall(1, 2, 8), probeCall(1, 3, 7)}}
	})
	s.set(2, func(investigation.Transcript) investigation.Step {
		return investigation.Step{Say: "I look closer.", Calls: []investigation.ToolCall{probeCall(2, 1, 9), probeCall(2, 2, 8)}}
	})
	s.set(3, func(t investigation.Transcript) investigation.Step {
		return investigation.Step{Say: "It is clear now.", Report: &investigation.Report{
			Verdict: investigation.RootCause, Title: "payment broke, " + secret, Summary: "It did.", Culprit: telemetry.Service("payment"),
			Mechanism: investigation.BadDeployment, Confidence: 0.9, Analyst: "script",
			Chain: []investigation.Claim{{
				ID: "c1", Text: "seven", Evidence: []string{t.Turns[0].Evidence[0]},
				Checks: []investigation.Check{{Expression: fmt.Sprintf(`ev[%q]["n"] == 7`, t.Turns[0].Evidence[0])}},
			}},
			Fix: &investigation.FixDraft{Action: "restart", Parameters: map[string]string{"service": "payment"}, Why: secret},
		}}
	})
}

func (s *script) noProblem() {
	s.set(1, func(investigation.Transcript) investigation.Step {
		return investigation.Step{Say: "All is well.", Report: &investigation.Report{
			Verdict: investigation.NoProblem, Title: "the deployment changed nothing", Confidence: 0.8, Analyst: "script",
		}}
	})
}

func probeCall(turn, n, argument int) investigation.ToolCall {
	return investigation.ToolCall{
		ID: fmt.Sprintf("t%dc%d", turn, n), Tool: "probe_numbers", Why: "to see " + secret, Arguments: json.RawMessage(fmt.Sprintf(`{"n": %d}`, argument)),
	}
}

// detector returns what the test wants to be wrong right now.
type detector struct {
	mu     sync.Mutex
	alerts []investigation.Trigger
}

func (d *detector) set(ts ...investigation.Trigger) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.alerts = ts
}

func (d *detector) Alerts(context.Context, time.Time) ([]investigation.Trigger, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.alerts), nil
}

func (*detector) Anomalies(context.Context, time.Time) ([]investigation.Trigger, error) {
	return nil, nil
}

func (*detector) Deployments(context.Context, time.Time) ([]investigation.Trigger, error) {
	return nil, nil
}

func (*detector) KernelEvents(context.Context, time.Time) ([]investigation.Trigger, error) {
	return nil, nil
}

func (d *detector) Still(ctx context.Context, _ investigation.Window, _, now time.Time) ([]investigation.Trigger, error) {
	return d.Alerts(ctx, now)
}

func (*detector) RuleStates() rules.States { return rules.States{} }

func (*detector) Holding(context.Context, []string, time.Time) ([]investigation.Trigger, map[string]error, error) {
	return nil, nil, nil
}

func (*detector) Served(context.Context, time.Time, time.Time) (map[string]uint64, error) {
	return map[string]uint64{"payment": 1}, nil
}

func trigger(id, service string, kind investigation.TriggerKind) investigation.Trigger {
	now := time.Now().UTC()
	return investigation.Trigger{
		ID: id, Kind: kind, Environment: environment, Rule: "error_ratio", Service: service, Entity: telemetry.Service(service),
		Severity: investigation.Critical, Summary: service + " fails *badly* " + secret, Onset: now.Add(-10 * time.Second), At: now,
	}
}

func (r *rig) raise(ts ...investigation.Trigger) {
	r.t.Helper()
	if err := starter.Raise(r.t.Context(), r.client, environment, r.policy, ts...); err != nil {
		r.t.Fatal(err)
	}
}

// await polls for a condition that other processes bring about.
func (r *rig) await(what string, done func() bool) {
	r.t.Helper()
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		if done() {
			return
		}
	}
	r.t.Fatalf("waited %s in vain: %s", patience, what)
}

func (r *rig) incident(id string) investigation.Incident {
	i, err := r.db.Incident(r.t.Context(), id)
	if err != nil {
		return investigation.Incident{}
	}
	return i
}

func (r *rig) awaitStatus(id, status string) investigation.Incident {
	r.t.Helper()
	r.await("incident "+id+" "+status+", is "+r.incident(id).Status, func() bool { return r.incident(id).Status == status })
	return r.incident(id)
}

// fix waits until an incident offers one.
func (r *rig) fix(incident string) investigation.Fix {
	r.t.Helper()
	r.awaitStatus(incident, workflows.AwaitingApproval)
	fixes, err := r.db.FixesOf(r.t.Context(), incident)
	if err != nil || len(fixes) != 1 {
		r.t.Fatalf("fixes of %s: %v %v", incident, fixes, err)
	}
	return fixes[0]
}

func (r *rig) approval(f investigation.Fix, approved bool) investigation.Approval {
	return r.approvalBy("ann", f, approved)
}

func (r *rig) approvalBy(who string, f investigation.Fix, approved bool) investigation.Approval {
	a := auth.Decide(f, who, approved)
	auth.SignApproval(r.key, &a)
	return a
}

// applied counts how often the fix was really done.
func (r *rig) applied() int {
	r.t.Helper()
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	return len(entries)
}

// refusals counts refused decisions in the audit log.
func (r *rig) refusals() int {
	r.t.Helper()
	log, err := r.db.AuditLog(r.t.Context(), 1000)
	if err != nil {
		r.t.Fatal(err)
	}
	n := 0
	for _, e := range log {
		if e.Outcome == "refused" {
			n++
		}
	}
	return n
}
