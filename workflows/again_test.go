package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// goesOn raises the same alarm every five seconds, as a scan does.
func (d *desk) goesOn(t investigation.Trigger, from, to time.Duration) {
	for after := from; after < to; after += 5 * time.Second {
		d.at(after, t)
	}
}

func TestAnAlarmThatGoesOnUnexplainedIsLookedIntoAgain(t *testing.T) {
	d := newDesk(t)
	for _, id := range []string{"a", "a-again1", "a-again2"} {
		d.ends[id], d.phases[id] = 10*time.Second, workflows.Closed
	}
	d.goesOn(alert("a", "payment", investigation.Critical), 0, 8*time.Minute)
	d.run(8 * time.Minute) // 12 s, then 2 and 4 minutes after the end of the one before
	if got := d.firsts(); !slices.Equal(got, []string{"a", "a-again1", "a-again2"}) {
		t.Fatalf("started %v", got)
	}
	again := d.started[1].Triggers[0]
	if again.Summary != "Still: "+d.started[0].Triggers[0].Summary || !again.Onset.Equal(d.started[0].Triggers[0].Onset) {
		t.Errorf("the second look is at %+v", again)
	}
}

func TestAnAlarmThatIsOverOrExplainedIsNotLookedIntoAgain(t *testing.T) {
	for name, phase := range map[string]string{"over": workflows.Closed, "explained": workflows.AwaitingApproval} {
		t.Run(name, func(t *testing.T) {
			d, long := newDesk(t), 8*time.Minute
			d.ends["a"], d.phases["a"] = 10*time.Second, phase
			if name == "over" {
				long = time.Minute
			}
			d.goesOn(alert("a", "payment", investigation.Critical), 0, long)
			d.run(9 * time.Minute)
			if got := d.firsts(); !slices.Equal(got, []string{"a"}) {
				t.Errorf("started %v", got)
			}
		})
	}
}

func TestAnotherIncidentLooksIntoAnAlarmThatGoesOn(t *testing.T) {
	d := newDesk(t)
	d.ends["a"], d.phases["a"] = 10*time.Second, workflows.Closed
	d.goesOn(alert("a", "payment", investigation.Critical), 0, 4*time.Minute)
	other := alert("b", "payment", investigation.Critical)
	other.Rule, other.Onset = "oom_kill", start.Add(30*time.Second)
	d.goesOn(other, 30*time.Second, 4*time.Minute) // its incident is still at work
	d.run(4 * time.Minute)
	if got := d.firsts(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("started %v", got)
	}
}
