package main

import (
	"context"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/midwatch/midwatch/workflows"
)

// incidentOpens: the metadata store is locked while the incident is to be written.
func incidentOpens(ctx context.Context, r *run, victim part) error {
	if victim == orchestrate {
		r.again = append(r.again, activity{r.incidentWorkflow(), workflows.OpenIncidentActivity})
	}
	return inOrder(ctx, r.brake.hold, r.raise, r.taken(r.incidentWorkflow(), workflows.OpenIncidentActivity), r.kill(victim))
}

// stepRuns: a sandboxed process stands still in the middle of a step.
func stepRuns(ctx context.Context, r *run, victim part) error {
	turn := r.turn(r.turns - 1)
	h, err := r.untilAsked(ctx, turn)
	defer h.release()
	if err != nil {
		return err
	}
	h.release() // a step reads the answer, and another asks the next question
	return r.inSandbox(ctx, victim, workflows.AnalystStepActivity)
}

// reportVerified: the same, while the report's checks are evaluated.
func reportVerified(ctx context.Context, r *run, victim part) error {
	h, err := r.untilAsked(ctx, r.turns)
	defer h.release()
	if err != nil {
		return err
	}
	h.release()
	return r.inSandbox(ctx, victim, workflows.VerifyReportActivity)
}

// inSandbox stops the sandboxed process of an activity and kills it, or somebody else while it stands still.
func (r *run) inSandbox(ctx context.Context, victim part, name string) error {
	child, err := r.frozenStep(ctx, name)
	if err != nil {
		return err
	}
	defer thaw(child)
	if victim == analyst || victim == sandboxRole {
		r.again = append(r.again, activity{r.workflow(), name})
	}
	if victim == analyst {
		return slay(ctx, child)
	}
	return r.kill(victim)(ctx)
}

// frozenStep looks at the sandbox role until it runs a step of an activity, and stops the sandboxed process.
func (r *run) frozenStep(ctx context.Context, name string) (child int, err error) {
	role, err := r.pid(ctx, sandboxRole)
	if err != nil {
		return 0, err
	}
	err = await(ctx, "a sandboxed process of "+name, func() (bool, error) {
		for _, pid := range sandboxed(role) {
			if freeze(ctx, pid) != nil {
				continue // it has ended
			}
			pending, err := r.pending(ctx, r.workflow())
			if err != nil {
				thaw(pid)
				return false, fatal{err}
			}
			for _, p := range pending {
				if p.GetActivityType().GetName() == name && p.GetState() == enumspb.PENDING_ACTIVITY_STATE_STARTED {
					child = pid
					return true, nil
				}
			}
			thaw(pid)
		}
		return false, nil
	})
	return child, err
}

// tools are what the scripted model asks for, turn by turn.
func tools() [][]string {
	return [][]string{{"compare_windows", "recent_changes", "host_resources"}, {"process_resources", "statements", "failing_spans"}}
}

// stuck brings a run to a tool call, or to the question about the healthy time after the last turn, that waits for a store that
// stands still.
func (r *run) stuck(ctx context.Context, turn int, name string) (store int, err error) {
	h, err := r.untilAsked(ctx, turn)
	defer h.release()
	if err != nil {
		return 0, err
	}
	if store, err = r.pid(ctx, theStore); err != nil {
		return 0, err
	}
	if err := freeze(ctx, store); err != nil {
		return 0, err
	}
	h.release()
	if err := r.running(r.workflow(), name)(ctx); err != nil {
		thaw(store)
		return 0, err
	}
	return store, nil
}

// aTool draws a turn and a tool that is called in it.
func (r *run) aTool() (turn int, name string) {
	all := tools()
	turn = 1 + r.draw.IntN(len(all))
	name = all[turn-1][r.draw.IntN(len(all[turn-1]))]
	r.what = append(r.what, name)
	return turn, name
}

// toolRuns: the store stands still.
func toolRuns(ctx context.Context, r *run, victim part) error {
	turn, name := r.aTool()
	return r.strikeStuck(ctx, victim, turn, name)
}

// controlRuns: the same, after the last turn.
func controlRuns(ctx context.Context, r *run, victim part) error {
	return r.strikeStuck(ctx, victim, r.turns, workflows.ControlEvidenceActivity)
}

func (r *run) strikeStuck(ctx context.Context, victim part, turn int, name string) error {
	store, err := r.stuck(ctx, turn, name)
	if err != nil {
		return err
	}
	defer thaw(store)
	if victim != workflow {
		r.again = append(r.again, activity{r.workflow(), name})
	}
	return r.kill(victim)(ctx)
}

// evidenceNotStored: the metadata store is locked when the tool gets its answer.
func evidenceNotStored(ctx context.Context, r *run, victim part) error {
	turn, name := r.aTool()
	store, err := r.stuck(ctx, turn, name)
	if err != nil {
		return err
	}
	defer thaw(store)
	if err := r.brake.hold(ctx); err != nil {
		return err
	}
	thaw(store)
	if err := r.kill(victim)(ctx); err != nil {
		return err
	}
	if stored, err := r.stored(ctx, name); err != nil || stored {
		return errors.Join(fmt.Errorf("the evidence of %s is stored already: %t", name, stored), err)
	}
	r.again = append(r.again, activity{r.workflow(), name})
	return nil
}

// evidenceStored: Temporal stands still while the evidence is stored.
func evidenceStored(ctx context.Context, r *run, victim part) error {
	turn, name := r.aTool()
	store, err := r.stuck(ctx, turn, name)
	if err != nil {
		return err
	}
	defer thaw(store)
	temporal, err := r.pid(ctx, workflow)
	if err != nil {
		return err
	}
	if err := freeze(ctx, temporal); err != nil {
		return err
	}
	defer thaw(temporal)
	thaw(store)
	err = await(ctx, "the evidence of "+name, func() (bool, error) { return r.stored(ctx, name) })
	if victim == orchestrate {
		r.again = append(r.again, activity{r.workflow(), name})
	}
	if err != nil {
		return err
	}
	return r.untold(victim)(ctx)
}

// stored tells whether a tool's answer is in the metadata store.
func (r *run) stored(ctx context.Context, tool string) (bool, error) {
	evidence, err := r.meta.EvidenceList(ctx, r.investigation)
	for _, e := range evidence {
		if e.Tool == tool {
			return true, err
		}
	}
	return false, err
}
