package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/activities/starter"
	api "github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/deploy/demo"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/workflows"
)

// Moments of the recording.
const (
	onset  = 38 * time.Second // the fault is ten seconds old
	raised = 55 * time.Second
)

// run is one investigation, from its trigger to the end of its fix.
type run struct {
	*stack
	name string
	draw *rand.Rand
	what []string // was drawn

	incident, investigation, fix string
	decided                      bool       // somebody approved the fix
	away                         bool       // the store was killed: evidence may differ
	unknown                      bool       // nobody can know whether the fix was applied
	asked                        int        // how often the model was to be asked in total; 0: at least once per turn, at most once more in all
	again                        []activity // must have been tried more than once: the proof that the kill met them
	notes                        []string
}

func (s *stack) newRun(name string, seed uint64) *run {
	incident := workflows.IncidentID(demo.Environment, "anomaly-"+name)
	inv := workflows.InvestigationID(incident)
	return &run{
		stack: s, name: name, draw: rand.New(rand.NewPCG(seed, 1)), incident: incident, investigation: inv, fix: workflows.FixID(inv),
	}
}

func (r *run) incidentWorkflow() string {
	return workflows.IncidentWorkflowID(demo.Environment, "anomaly-"+r.name)
}

func (r *run) workflow() string {
	return workflows.InvestigationWorkflowID(demo.Environment, r.investigation)
}

func (r *run) remediation() string {
	return workflows.RemediationWorkflowID(demo.Environment, r.fix)
}

// detail is what was drawn within the phase.
func (r *run) detail() string {
	if len(r.what) == 0 {
		return ""
	}
	return " (" + strings.Join(r.what, ", ") + ")"
}

// said is what is worth telling of a run.
func (r *run) said() string {
	if len(r.notes) == 0 {
		return ""
	}
	return ": " + strings.Join(r.notes, ", ")
}

// raise begins the incident. Its service is the run's own, so that it joins no other and recalls none; its times are those of the
// recording, so that it looks at the same.
func (r *run) raise(ctx context.Context) error {
	t := investigation.Trigger{
		ID: "anomaly-" + r.name, Kind: investigation.Anomaly, Environment: demo.Environment, Rule: r.name, Service: r.name,
		Severity: investigation.Critical, Summary: r.name + " answers worse than before", Onset: r.began.Add(onset), At: r.began.Add(raised),
	}
	policy := workflows.Policy{Debounce: 200 * time.Millisecond, Settle: 300 * time.Millisecond, Concurrent: 20, Remind: -1, Escalate: -1}
	return await(ctx, "the trigger to be taken", func() (bool, error) {
		err := starter.Raise(ctx, r.temporal, demo.Environment, policy, t)
		return err == nil, err
	})
}

// survives strikes in a phase, lets the investigation go on to the end of its fix, and compares.
func (r *run) survives(ctx context.Context, k kill, want outcome) error {
	ctx, cancel := context.WithTimeout(ctx, 3*patience)
	defer cancel()
	if err := r.ready(ctx); err != nil {
		return err
	}
	r.away = k.victim == theStore
	err := k.phase.strike(ctx, r, k.victim)
	r.brake.release()
	if err != nil {
		return fmt.Errorf("the kill did not land: %w", err)
	}
	if err := r.finish(ctx); err != nil {
		return err
	}
	got, err := r.outcome(ctx)
	if err != nil {
		return err
	}
	return errors.Join(want.differs(got, !r.away), r.calls(ctx), r.appliedOnce(ctx), r.landed(ctx))
}

// ready waits until every part is back.
func (s *stack) ready(ctx context.Context) error {
	for _, p := range []part{orchestrate, sandboxRole, modelRole, applyRole, theAPI, workflow, theStore} {
		if _, err := s.pid(ctx, p); err != nil {
			return err
		}
	}
	return await(ctx, "api, store and Temporal", func() (bool, error) {
		_, err := s.person.Services(ctx, api.Range{From: s.began, To: s.began.Add(time.Minute)})
		if err == nil {
			_, err = s.temporal.CheckHealth(ctx, nil)
		}
		return err == nil, err
	})
}

// finish waits for the report, approves its fix as a person would, again while the api comes back, and waits until it was applied.
func (r *run) finish(ctx context.Context) error {
	if err := r.fixIs()(ctx); err != nil {
		return err
	}
	if !r.decided {
		if err := r.approve(ctx); err != nil {
			return err
		}
	}
	return r.fixIs(workflows.FixApplied, workflows.FixVerified, workflows.FixFailed, workflows.FixWorse)(ctx)
}

// fixIs waits until the fix is in one of some states; without any, until there is a fix. An incident that ends without one ends the
// wait.
func (r *run) fixIs(states ...string) step {
	return func(ctx context.Context) error {
		return await(ctx, fmt.Sprintf("a fix %v", states), func() (bool, error) {
			if f, err := r.meta.Fix(ctx, r.fix); err == nil {
				return len(states) == 0 || slices.Contains(states, f.Status), nil
			}
			incident, err := r.meta.Incident(ctx, r.incident)
			if err == nil && (incident.Status == workflows.Closed || incident.Status == workflows.Failed) {
				return false, fatal{fmt.Errorf("the incident is %s, without a fix", incident.Status)}
			}
			return false, err
		})
	}
}

// approve is what a person does whose browser shows an error: look again, and try again while the fix waits.
func (r *run) approve(ctx context.Context) error {
	return await(ctx, "the approval to be taken", func() (bool, error) {
		f, err := r.person.Fix(ctx, r.fix)
		if err != nil {
			return false, err
		}
		if f.Status == workflows.FixAwaiting {
			_, err = r.person.Approve(ctx, r.fix, f.Digest)
		}
		r.decided = err == nil
		return r.decided, err
	})
}

// calls checks what the provider saw against the ledger.
func (r *run) calls(ctx context.Context) error {
	total, seen := 0, r.model.of(r.name)
	for turn := 1; turn <= r.turns; turn++ {
		entries, err := r.meta.Attempts(ctx, llm.Call{Investigation: r.investigation, Turn: turn, Ask: 1})
		if err != nil {
			return err
		}
		asked := seen[turn]
		total += len(asked)
		if len(asked) < 1 || len(asked) > 2 || len(asked) > len(entries) {
			return fmt.Errorf("turn %d: the model was asked %d times, the ledger has %d", turn, len(asked), len(entries))
		}
		answered := slices.IndexFunc(entries, func(e llm.Entry) bool { return e.State == llm.Answered })
		if answered < 0 {
			return fmt.Errorf("turn %d: no answer is in the ledger", turn)
		}
		for _, a := range asked {
			if a.at.After(entries[answered].EndedAt) {
				return fmt.Errorf("turn %d: asked again at %s, and its answer was in the ledger at %s", turn, a.at, entries[answered].EndedAt)
			}
		}
	}
	if len(seen) != r.turns || total > r.turns+1 || r.asked > 0 && total != r.asked {
		return fmt.Errorf("the model was asked %d times in %d turns, want %d and at most one more, or exactly %d", total, len(seen), r.turns, r.asked)
	}
	if total > r.turns {
		r.notes = append(r.notes, "one model call repeated")
	}
	return nil
}

// appliedOnce checks how often the action ran, and what is known of it.
func (r *run) appliedOnce(ctx context.Context) error {
	n := 0
	for _, run := range r.applied() {
		if run == identifier(r.name) {
			n++
		}
	}
	if n != 1 {
		return fmt.Errorf("the fix was applied %d times", n)
	}
	f, err := r.meta.Fix(ctx, r.fix)
	if err != nil {
		return err
	}
	switch lost := f.Status == workflows.FixFailed && strings.HasPrefix(f.Result, "The outcome is unknown"); {
	case lost && r.unknown:
		r.notes = append(r.notes, "applied once, and said that nobody knows")
	case lost || f.Status == workflows.FixFailed || r.unknown:
		return fmt.Errorf("the fix is %s: %s", f.Status, f.Result)
	}
	return nil
}

// landed proves by Temporal's history that the kill met what it was to meet.
func (r *run) landed(ctx context.Context) error {
	for _, a := range r.again {
		err := await(ctx, fmt.Sprintf("a second attempt of %s, which the kill must have met", a), func() (bool, error) {
			n, err := r.attempts(ctx, a)
			return n > 1, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
