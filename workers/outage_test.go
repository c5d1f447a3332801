package workers_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/midwatch/midwatch/activities"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/gate"
	"github.com/midwatch/midwatch/internal/llm/gate/gatetest"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/seal"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/workflows"
)

// night is the time in which something is away. Its clock is Temporal's own test environment's, which jumps over every pause.
type night struct {
	*rig
	server   *llmtest.Server
	gate     *gate.Gate
	provider time.Duration // it is away so long from the beginning
	store    time.Duration // the same
	began    time.Time
	clock    func() time.Time
}

// away tells whether what is away so long is still away.
func (n *night) away(long time.Duration) bool { return n.clock().Sub(n.began) < long }

func newNight(t *testing.T, provider, store time.Duration) *night {
	n := &night{rig: &rig{t: t, script: &script{}}, provider: provider, store: store, began: time.Now().UTC().Truncate(time.Second)}
	n.script.rootCause()
	ring, err := seal.LoadRing(filepath.Join(t.TempDir(), "metadata.key"))
	if err != nil {
		t.Fatal(err)
	}
	if n.db, err = metadata.Open(t.Context(), metadata.Config{DSN: "sqlite:" + filepath.Join(t.TempDir(), "metadata.db"), Ring: ring}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.db.Close() })
	var account gate.Account
	n.server, account = gatetest.Scripted(t, n.answer)
	n.models = []gate.Account{account}
	n.switchAI(true, investigation.Metrics)
	cfg := gate.Config{Policies: n.db, Ledger: n.db, Accounts: n.models, Now: func() time.Time { return n.clock() }}
	if n.gate, err = gate.New(cfg); err != nil {
		t.Fatal(err)
	}
	return n
}

// answer is a model's that asks once and then concludes, and when it is asked to refute that, concludes again.
func (n *night) answer(c llmtest.Call) llmtest.Answer {
	switch {
	case n.away(n.provider):
		return llmtest.Overload()
	case slices.ContainsFunc(c.Request.Messages, func(m llm.Message) bool { return m.Role == llm.Assistant }):
		return llmtest.Ask(concludes(0.9))
	default:
		return llmtest.Ask(probes(7, ""))
	}
}

// registry is the rig's tool over a store that may be away.
func (n *night) registry() *tools.Registry {
	probe := n.probe()
	run := probe.Run
	probe.Run = func(ctx context.Context, s tools.Scope, arguments json.RawMessage) (tools.Result, error) {
		if n.away(n.store) {
			return tools.Result{}, fmt.Errorf("query telemetry: %w: %w", tools.ErrAway, errors.New("connection refused"))
		}
		return run(ctx, s, arguments)
	}
	return tools.New(probe)
}

// investigate runs an investigation that begins so long after the beginning of the night, and returns it and the time it took.
func (n *night) investigate(id string, after time.Duration) (metadata.Investigation, time.Duration) {
	n.t.Helper()
	at := n.began.Add(after)
	request := investigation.Request{
		ID: id, Incident: id, Environment: environment, Requester: "midwatch", Budget: workflows.Policy{}.Budget(),
		Triggers: []investigation.Trigger{trigger("alert-"+id, "payment", investigation.Alert)},
		Fault:    investigation.Window{From: at.Add(-time.Minute), To: at}, Healthy: investigation.Window{From: at.Add(-time.Hour), To: at.Add(-time.Minute)},
	}
	if err := n.db.CreateInvestigation(n.t.Context(), request); err != nil {
		n.t.Fatal(err)
	}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(at)
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: patience}) // a busy machine is no deadlock
	env.SetTestTimeout(patience)
	n.clock = env.Now
	env.RegisterWorkflowWithOptions(workflows.Investigation, workflow.RegisterOptions{Name: workflows.InvestigationWorkflow})
	n.register(env)
	env.ExecuteWorkflow(workflows.InvestigationWorkflow, workflows.InvestigationInput{ID: id, Environment: environment, Budget: request.Budget})
	if err := env.GetWorkflowError(); err != nil {
		n.t.Fatal(err)
	}
	inv, err := n.db.Investigation(n.t.Context(), id)
	if err != nil || inv.Report == nil {
		n.t.Fatalf("%+v, %v", inv, err)
	}
	return inv, env.Now().Sub(at)
}

// register gives the environment the real activities.
func (n *night) register(env *testsuite.TestWorkflowEnvironment) {
	add := func(name string, f any) { env.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name}) }
	registry := n.registry()
	selector := &gate.Selector{Policies: n.db, Accounts: []llm.ProviderConfig{n.models[0].ProviderConfig}}
	step := &activities.Step{Engine: n.script, Registry: registry, DB: n.db, Models: selector}
	add(workflows.AnalystStepActivity, step.Analyst)
	add(workflows.VerifyReportActivity, step.Verify)
	model := &activities.Model{DB: n.db, Gate: n.gate, Key: []byte("a key of tests, for tests alone.")}
	add(workflows.AskModelActivity, model.Ask)
	run := &activities.Tools{Registry: registry, DB: n.db}
	for _, name := range registry.Names() {
		add(name, run.Call)
	}
	add(workflows.ControlEvidenceActivity, run.Control)
	add(workflows.EndInvestigationActivity, (&activities.Incidents{DB: n.db}).EndInvestigation)
}

// facts are what must not depend on what was away: the report but for who decided it, and what every call was answered. Evidence goes
// by its call: its id depends on which of a turn's calls was answered first.
func (n *night) facts(inv metadata.Investigation) (string, []string) {
	n.t.Helper()
	evidence, err := n.db.EvidenceList(n.t.Context(), inv.Request.ID)
	if err != nil {
		n.t.Fatal(err)
	}
	var digests, ids []string
	for _, e := range evidence {
		digests, ids = append(digests, e.Call+" "+e.Digest), append(ids, `"`+e.ID+`"`, `"`+e.Call+`"`, `\"`+e.ID+`\"`, e.Call)
	}
	slices.Sort(digests)
	report := *inv.Report
	report.Analyst, report.Onset = "", time.Time{}
	b, err := json.MarshalIndent(report, "", " ")
	if err != nil {
		n.t.Fatal(err)
	}
	return strings.NewReplacer(ids...).Replace(string(b)), digests
}

const (
	byModel   = "model/scripted-1 (anthropic-test, scripted)"
	byBuiltin = "script, after a model: "
)

// TestOutages: a provider that is away for ten minutes costs the built-in analyst's conclusion, a store that is away for two costs two
// minutes, and neither costs the verdict.
func TestOutages(t *testing.T) {
	const provider, store = 10 * time.Minute, 2 * time.Minute
	for name, c := range map[string]struct {
		provider, store time.Duration
		analyst         string
		asked           int // at most
	}{
		"nothing":                      {0, 0, byModel, 3},
		"the provider for ten minutes": {provider, 0, byBuiltin, 3},
		"the store for two":            {0, store, byModel, 3},
		"both":                         {provider, store, byBuiltin, 3},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t, c.provider, c.store)
			inv, took := n.investigate("inv-1", 0)
			if r := inv.Report; r.Verdict != investigation.RootCause || r.Culprit != "service/payment" || !strings.HasPrefix(r.Analyst, c.analyst) || !r.Chain[0].Checks[0].Counts {
				t.Errorf("%s, %s, decided by %s: %+v", r.Verdict, r.Culprit, r.Analyst, r.Chain)
			}
			if took < c.store || took > c.store+time.Minute {
				t.Errorf("it took %s, and the store was away for %s", took, c.store)
			}
			if asked := n.server.Count(); asked > c.asked {
				t.Errorf("the provider was asked %d times, want at most %d", asked, c.asked)
			}
			quiet := newNight(t, c.provider, 0)
			calm, _ := quiet.investigate("inv-1", 0)
			wantReport, wantDigests := quiet.facts(calm)
			report, digests := n.facts(inv)
			if diff := cmp.Diff(wantReport, report) + cmp.Diff(wantDigests, digests); diff != "" {
				t.Errorf("another report or other evidence than with the store at hand (-want +got):\n%s", diff)
			}
			// When everything is back, the next one is as if nothing had been.
			after, took := n.investigate("inv-2", provider)
			if after.Report.Analyst != byModel || after.Report.Verdict != investigation.RootCause || took > time.Minute {
				t.Errorf("afterwards: %s, decided by %s, in %s", after.Report.Verdict, after.Report.Analyst, took)
			}
		})
	}
}

// A store that stays away is evidence, too: the analyst learns that there is no answer, and nobody waits for ever.
func TestAStoreThatStaysAway(t *testing.T) {
	n := newNight(t, 0, 24*time.Hour)
	inv, took := n.investigate("inv-1", 0)
	if inv.Report.Verdict == investigation.RootCause || took > 15*time.Minute {
		t.Errorf("%s after %s, without any evidence", inv.Report.Verdict, took)
	}
}
