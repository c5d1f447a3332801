package workflows_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/workflows"
)

// desk runs Intake with incidents that end when the test says so, and notes what Intake starts.
type desk struct {
	*stage
	started []workflows.IncidentInput
	ends    map[string]time.Duration    // first trigger → how long its incident investigates; 0: for ever
	phases  map[string]string           // first trigger → what its incident is then; "": resolved
	blames  map[string]telemetry.Entity // first trigger → what its report names
	how     map[string]investigation.Mechanism
	again   map[string]time.Duration // first trigger → when its incident looks again, at all that it has got by then
	// explains has reports name their cause though nothing is left to be done.
	explains bool
	passed   [][]investigation.Trigger // signals that incidents got
	input    workflows.IntakeInput
	// verifies has deployments watched by the real workflow.
	verifies bool
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{stage: newStage(t), ends: map[string]time.Duration{}, phases: map[string]string{}, blames: map[string]telemetry.Entity{}, how: map[string]investigation.Mechanism{}, again: map[string]time.Duration{}}
	d.input.Environment = "test"
	incident := func(ctx workflow.Context, in workflows.IncidentInput) (workflows.IncidentResult, error) {
		d.started = append(d.started, in)
		if after := d.again[in.Triggers[0].ID]; after > 0 {
			if err := d.looksAgain(ctx, in, after); err != nil {
				return workflows.IncidentResult{}, err
			}
		}
		if after := d.ends[in.Triggers[0].ID]; after > 0 {
			if err := workflow.Sleep(ctx, after); err != nil {
				return workflows.IncidentResult{}, err
			}
			phase := d.phases[in.Triggers[0].ID]
			if phase == "" {
				phase = workflows.Resolved
			}
			done := workflows.Progress{Workflow: in.Workflow, Phase: phase, Explained: d.explains || phase != workflows.Closed, Unexplained: !d.explains && phase == workflows.Closed, Culprit: d.blames[in.Triggers[0].ID], Mechanism: d.how[in.Triggers[0].ID]}
			err := workflow.SignalExternalWorkflow(ctx, workflows.IntakeID("test"), "", workflows.ProgressSignal, done).Get(ctx, nil)
			if err != nil || phase != workflows.AwaitingApproval {
				return workflows.IncidentResult{}, err
			}
		}
		for {
			var late []investigation.Trigger
			if more, _ := workflow.GetSignalChannel(ctx, workflows.TriggerSignal).ReceiveWithTimeout(ctx, time.Hour, &late); !more {
				return workflows.IncidentResult{}, nil
			}
			d.passed = append(d.passed, late)
		}
	}
	d.workflow(workflows.IncidentWorkflow, incident)
	d.workflow(workflows.DeploymentWorkflow, func(ctx workflow.Context, in workflows.IncidentInput) (workflows.IncidentResult, error) {
		if d.verifies {
			return workflows.DeploymentVerification(ctx, in)
		}
		return incident(ctx, in)
	})
	return d
}

// looksAgain has an incident say after a while that it looks into what it has got.
func (d *desk) looksAgain(ctx workflow.Context, in workflows.IncidentInput, after time.Duration) error {
	if err := workflow.Sleep(ctx, after); err != nil {
		return err
	}
	p := workflows.Progress{Workflow: in.Workflow, Phase: workflows.Investigating}
	var late []investigation.Trigger
	for workflow.GetSignalChannel(ctx, workflows.TriggerSignal).ReceiveAsync(&late) {
		for _, t := range late {
			p.Took = append(p.Took, t.ID)
		}
	}
	return workflow.SignalExternalWorkflow(ctx, workflows.IntakeID("test"), "", workflows.ProgressSignal, p).Get(ctx, nil)
}

// at raises triggers some time after the start.
func (d *desk) at(after time.Duration, ts ...investigation.Trigger) {
	d.RegisterDelayedCallback(func() { d.SignalWorkflow(workflows.TriggerSignal, ts) }, after)
}

// run lets Intake work for a while and returns its state.
func (d *desk) run(long time.Duration) workflows.IntakeState {
	d.t.Helper()
	var state workflows.IntakeState
	d.RegisterDelayedCallback(func() {
		v, err := d.QueryWorkflow(workflows.StateQuery)
		if err != nil {
			d.t.Fatal(err)
		}
		if err := v.Get(&state); err != nil {
			d.t.Fatal(err)
		}
		d.CancelWorkflow()
	}, long)
	d.SetWorkflowRunTimeout(long + time.Second)
	d.SetTestTimeout(30 * time.Second)
	d.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: workflows.IntakeID("test"), TaskQueue: workflows.OrchestrateQueue})
	d.ExecuteWorkflow(workflows.Intake, d.input)
	return state
}

func (d *desk) firsts() []string {
	ids := make([]string, len(d.started))
	for i, in := range d.started {
		ids[i] = in.Triggers[0].ID
	}
	return ids
}

func TestIntakeJoinsWhatBelongsTogether(t *testing.T) {
	d := newDesk(t)
	d.at(0, alert("a", "payment", investigation.Critical), alert("b", "checkout", investigation.Warning, "payment"), alert("c", "mail", investigation.Warning))
	d.at(time.Second, alert("d", "gateway", investigation.Warning, "checkout"))
	d.run(5 * time.Second)
	if got := d.firsts(); !slices.Equal(got, []string{"a", "c"}) {
		t.Fatalf("started %v", got)
	}
	if n := len(d.started[0].Triggers); n != 3 {
		t.Errorf("payment's incident has %d triggers, want 3", n)
	}
}

func TestIntakeIgnoresWhatItHasSeen(t *testing.T) {
	d := newDesk(t)
	for n := range 20 {
		d.at(time.Duration(n)*5*time.Second, alert("a", "payment", investigation.Critical))
	}
	state := d.run(2 * time.Minute)
	if len(d.started) != 1 || len(state.Seen) != 1 {
		t.Errorf("started %d, remembers %d", len(d.started), len(state.Seen))
	}
}

func TestIntakeStartsTheMostSevereFirst(t *testing.T) {
	d := newDesk(t)
	d.at(0, alert("w1", "a", investigation.Warning), alert("w2", "b", investigation.Warning), alert("w3", "c", investigation.Warning))
	d.at(10*time.Second, alert("w4", "d", investigation.Warning))
	d.at(11*time.Second, alert("c1", "e", investigation.Critical))
	d.ends["w1"], d.ends["w2"] = 30*time.Second, 40*time.Second
	d.run(35 * time.Second)
	if got := d.firsts(); !slices.Equal(got, []string{"w1", "w2", "w3", "c1"}) {
		t.Errorf("started %v: three at once, then the critical one", got)
	}
}

func TestIntakeFreesALostPlace(t *testing.T) {
	d := newDesk(t)
	d.at(0, alert("w1", "a", investigation.Warning), alert("w2", "b", investigation.Warning), alert("w3", "c", investigation.Warning))
	d.at(10*time.Second, alert("w4", "d", investigation.Warning))
	d.run(11 * time.Minute)
	if got := d.firsts(); !slices.Contains(got, "w4") {
		t.Errorf("started %v", got)
	}
}

func TestIntakeAfterAnIncident(t *testing.T) {
	d := newDesk(t)
	d.ends["a"] = 10 * time.Second
	consequence, again := alert("b", "payment", investigation.Critical), alert("c", "payment", investigation.Critical)
	consequence.Onset = start.Add(11 * time.Second)
	again.Onset = start.Add(40 * time.Second)
	d.at(0, alert("a", "payment", investigation.Critical))
	d.at(20*time.Second, consequence) // began before the end, or as good as
	d.at(45*time.Second, again)       // a new one
	d.run(time.Minute)
	if got := d.firsts(); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("started %v", got)
	}
}

func TestIntakeOpensAnotherIncidentWhileAFixAwaitsApproval(t *testing.T) {
	d := newDesk(t)
	d.ends["a"], d.phases["a"] = 10*time.Second, workflows.AwaitingApproval
	late := alert("b", "payment", investigation.Critical)
	late.Rule, late.Onset = "latency", start.Add(15*time.Second)
	same := alert("c", "catalog", investigation.Critical, "payment") // the first alarm, under another id
	same.Onset = start.Add(40 * time.Second)
	other := alert("d", "payment", investigation.Critical)
	other.Rule, other.Onset = "oom_kill", start.Add(45*time.Second)
	d.at(0, alert("a", "catalog", investigation.Critical, "payment"))
	d.at(20*time.Second, late)
	d.at(44*time.Second, same)
	d.at(50*time.Second, other)
	state := d.run(time.Minute)
	if got := d.firsts(); !slices.Equal(got, []string{"a", "d"}) {
		t.Errorf("started %v: the late symptom and the repeated alarm belong to the first, the other fault is news", got)
	}
	if got := state.Open[0].Triggers; !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("the first incident has %v", got)
	}
}

func TestIntakeGivesWhatWasNotExplainedAnotherInvestigation(t *testing.T) {
	d := newDesk(t)
	d.ends["a"], d.phases["a"] = 10*time.Second, workflows.Closed // no problem found
	after := alert("c", "payment", investigation.Critical)
	after.Onset = start.Add(11 * time.Second)
	d.at(0, alert("a", "payment", investigation.Critical))
	d.at(9*time.Second, alert("b", "payment", investigation.Critical)) // too late for the windows of that investigation
	d.at(18*time.Second, after)
	state := d.run(30 * time.Second)
	if got := d.firsts(); !slices.Equal(got, []string{"a", "b"}) {
		t.Fatalf("started %v", got)
	}
	if got := state.Open[1].Triggers; !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("the second incident has %v", got)
	}
}

func TestIntakeExpectsAFixToShakeThings(t *testing.T) {
	d := newDesk(t)
	d.ends["a"], d.phases["a"] = 10*time.Second, workflows.AwaitingApproval
	restarted := alert("b", "payment", investigation.Critical)
	restarted.Rule, restarted.Onset = "not_answering", start.Add(5*time.Minute)
	d.at(0, alert("a", "payment", investigation.Critical))
	d.RegisterDelayedCallback(func() {
		d.SignalWorkflow(workflows.ProgressSignal, workflows.Progress{Workflow: workflows.IncidentWorkflowID("test", "a"), Phase: workflows.Applying})
	}, 5*time.Minute)
	d.at(5*time.Minute+10*time.Second, restarted)
	d.run(6 * time.Minute)
	if got := d.firsts(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("started %v", got)
	}
}

func TestIntakeGivesAPersonAnInvestigationOfTheirOwn(t *testing.T) {
	d := newDesk(t)
	question := alert("q", "payment", investigation.Info)
	question.Kind = investigation.Manual
	d.at(0, alert("a", "payment", investigation.Critical))
	d.at(5*time.Second, question)
	d.run(10 * time.Second)
	if got := d.firsts(); !slices.Equal(got, []string{"a", "q"}) {
		t.Errorf("started %v", got)
	}
}

func TestIntakeQuestionTakesNoAlarm(t *testing.T) {
	d := newDesk(t)
	question := alert("q", "", investigation.Warning) // about nothing in particular, so about every service
	question.Kind = investigation.Manual
	d.at(0, question)
	d.at(5*time.Second, alert("a", "payment", investigation.Critical))
	d.run(15 * time.Second)
	if got := d.firsts(); !slices.Equal(got, []string{"q", "a"}) {
		t.Errorf("started %v", got)
	}
}

func TestIntakeWatchesADeployment(t *testing.T) {
	d := newDesk(t)
	deployed := alert("deployed", "a", investigation.Info)
	deployed.Kind = investigation.Deployment
	d.at(0, deployed)
	d.run(10 * time.Second)
	if len(d.started) != 1 || d.started[0].Workflow != workflows.DeploymentWorkflowID("test", "deployed") {
		t.Errorf("started %+v", d.started)
	}
}

// storm is 500 alerts over 60 services in a chain of calls, in an order in which most of them seem to stand alone at first.
func storm() []investigation.Trigger {
	ts := make([]investigation.Trigger, 500)
	for n := range ts {
		i := n * 7 % 60
		service, callee := fmt.Sprintf("service-%02d", i), fmt.Sprintf("service-%02d", min(i+1, 59))
		ts[n] = alert(fmt.Sprintf("storm-%03d", n), service, investigation.Critical, callee)
		ts[n].Rule = fmt.Sprint("rule-", n/60)
	}
	return ts
}

func TestIntakeStormIsOneIncident(t *testing.T) {
	d := newDesk(t)
	ts := storm()
	for n := 0; n < len(ts); n += 100 {
		d.at(time.Duration(n)*time.Millisecond, ts[n:n+100]...)
	}
	began := time.Now()
	state := d.run(10 * time.Second)
	took := time.Since(began)
	if len(d.started) != 1 || len(d.started[0].Triggers) != 500 || state.Dropped != 0 || len(state.Pending) != 0 {
		t.Errorf("started %d, %d pending, %d dropped", len(d.started), len(state.Pending), state.Dropped)
	}
	if took > 2*time.Second {
		t.Errorf("Intake took %s", took)
	}
}

func TestIntakePassesALateStormOnAtOnce(t *testing.T) {
	d := newDesk(t)
	ts := storm()
	d.at(0, ts[:60]...)
	d.at(5*time.Second, ts[60:]...)
	d.run(20 * time.Second)
	ids := map[string]bool{}
	for _, late := range d.passed {
		for _, t := range late {
			ids[t.ID] = true
		}
	}
	if len(d.started) != 1 || len(ids) != 440 || len(d.passed) > 5 {
		t.Errorf("started %d; %d late triggers came in %d signals", len(d.started), len(ids), len(d.passed))
	}
}
