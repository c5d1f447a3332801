package main

import (
	"os"
	"strings"
	"testing"
)

// enable runs the test that needs what `make build` built, and two minutes. `make test-chaos` sets it.
const enable = "MIDWATCH_CHAOS"

// someKills draws both sides of the ledger's commit, a tool call, a sandboxed step, an approval during an outage and a fix that is cut
// short; the worker, Temporal, the sandboxed process and the roles model and apply.
const someKills = 192

// TestSurvivesKills is `make chaos` with six kills, in six phases.
func TestSurvivesKills(t *testing.T) {
	if os.Getenv(enable) == "" {
		t.Skipf("set %s=1 to kill parts of a Midwatch on this machine; `make test-chaos` does, after building", enable)
	}
	if err := rampage(t.Context(), options{bin: "../../bin", seed: someKills, kills: 6, out: lines{t}}); err != nil {
		t.Fatal(err)
	}
}

type lines struct{ t *testing.T }

func (l lines) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

// The same seed draws the same, and forty kills meet every phase.
func TestSchedule(t *testing.T) {
	met, done := map[string]bool{}, map[string]bool{}
	again := schedule(1, 40)
	for n, k := range schedule(1, 40) {
		if o := again[n]; o.phase.name != k.phase.name || o.victim != k.victim || o.seed != k.seed {
			t.Errorf("kill %d: %s of %s, then %s of %s", n, k.victim, k.phase.name, o.victim, o.phase.name)
		}
		if what := k.phase.name + string(k.victim); done[what] {
			t.Errorf("kill %d was there before: %s while %s", n, k.victim, k.phase.name)
		} else {
			met[k.phase.name], done[what] = true, true
		}
	}
	if len(again) != 40 || len(met) != len(phases()) {
		t.Errorf("%d kills in %d of %d phases", len(again), len(met), len(phases()))
	}
}
