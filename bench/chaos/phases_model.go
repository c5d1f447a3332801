package main

import (
	"context"
	"fmt"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/workflows"
)

// turn draws a turn and tells which.
func (r *run) turn(most int) int {
	n := 1 + r.draw.IntN(most)
	r.what = append(r.what, fmt.Sprintf("turn %d", n))
	return n
}

// untilAsked raises the trigger and returns when the request of a turn is at the provider, which keeps its answer.
func (r *run) untilAsked(ctx context.Context, turn int) (*hold, error) {
	h := r.model.hold(r.name, turn)
	if err := r.raise(ctx); err != nil {
		return h, err
	}
	return h, await(ctx, fmt.Sprintf("the model to be asked in turn %d", turn), func() (bool, error) {
		select {
		case <-h.arrived:
			return true, nil
		default:
			return false, nil
		}
	})
}

// states are those of a call's entries in the ledger.
func (r *run) states(ctx context.Context, turn int) (states []llm.EntryState, err error) {
	entries, err := r.meta.Attempts(ctx, llm.Call{Investigation: r.investigation, Turn: turn, Ask: 1})
	for _, e := range entries {
		states = append(states, e.State)
	}
	return states, err
}

// stillBegun fails unless the ledger holds a call's beginning alone.
func (r *run) stillBegun(turn int) step {
	return func(ctx context.Context) error {
		states, err := r.states(ctx, turn)
		if err == nil && (len(states) != 1 || states[0] != llm.Begun) {
			return fmt.Errorf("the ledger has the call as %v", states)
		}
		return err
	}
}

// callNotBegun: the model role stands still when it gets the first call, and goes on against a locked ledger.
func callNotBegun(ctx context.Context, r *run, victim part) error {
	pid, err := r.pid(ctx, victim)
	if err != nil {
		return err
	}
	if err := freeze(ctx, pid); err != nil {
		return err
	}
	defer thaw(pid)
	if err := inOrder(ctx, r.raise, r.taken(r.workflow(), workflows.AskModelActivity), r.brake.hold); err != nil {
		return err
	}
	thaw(pid)
	if err := inOrder(ctx, r.running(r.workflow(), workflows.AskModelActivity), r.kill(victim)); err != nil {
		return err
	}
	states, err := r.states(ctx, 1)
	if err == nil && len(states) > 0 {
		return fmt.Errorf("the ledger has the call as %v", states)
	}
	r.asked = r.turns
	r.again = append(r.again, activity{r.workflow(), workflows.AskModelActivity})
	return err
}

// callInFlight: the provider keeps the request without an answer, and answers before or after whoever was killed is back.
func callInFlight(ctx context.Context, r *run, victim part) error {
	turn := r.turn(r.turns)
	h, err := r.untilAsked(ctx, turn)
	defer h.release()
	if err != nil {
		return err
	}
	if err := inOrder(ctx, r.stillBegun(turn), r.kill(victim)); err != nil {
		return err
	}
	if victim == modelRole {
		r.asked = r.turns + 1
		r.again = append(r.again, activity{r.workflow(), workflows.AskModelActivity})
		return nil
	}
	if r.draw.IntN(2) == 0 {
		r.what = append(r.what, "answered when it is back")
		return r.ready(ctx)
	}
	r.what = append(r.what, "answered at once")
	return nil
}

// answerNotCommitted: the ledger is locked while the answer is sent.
func answerNotCommitted(ctx context.Context, r *run, victim part) error {
	turn := r.turn(r.turns)
	h, err := r.untilAsked(ctx, turn)
	defer h.release()
	if err != nil {
		return err
	}
	told := r.model.Told()
	if err := r.brake.hold(ctx); err != nil {
		return err
	}
	h.release()
	sent := func(ctx context.Context) error {
		return await(ctx, "the answer to be sent", func() (bool, error) { return r.model.Told() > told, nil })
	}
	if err := inOrder(ctx, sent, r.kill(victim), r.stillBegun(turn)); err != nil {
		return err
	}
	r.asked = r.turns + 1
	r.again = append(r.again, activity{r.workflow(), workflows.AskModelActivity})
	return nil
}

// answerCommitted: Temporal stands still while the answer is committed.
func answerCommitted(ctx context.Context, r *run, victim part) error {
	turn := r.turn(r.turns)
	h, err := r.untilAsked(ctx, turn)
	defer h.release()
	if err != nil {
		return err
	}
	temporal, err := r.pid(ctx, workflow)
	if err != nil {
		return err
	}
	if err := freeze(ctx, temporal); err != nil {
		return err
	}
	defer thaw(temporal)
	h.release()
	err = await(ctx, "the answer to be in the ledger", func() (bool, error) {
		states, err := r.states(ctx, turn)
		return len(states) == 1 && states[0] == llm.Answered, err
	})
	if err != nil {
		return err
	}
	r.asked = r.turns
	if victim == modelRole {
		r.again = append(r.again, activity{r.workflow(), workflows.AskModelActivity})
	}
	return r.untold(victim)(ctx)
}

// untold kills a part and, where it is another, Temporal, which stands still: what is on its way to it must not arrive.
func (r *run) untold(victim part) step {
	return func(ctx context.Context) error {
		if victim == workflow {
			return r.kill(workflow)(ctx)
		}
		r.what = append(r.what, "with Temporal")
		return inOrder(ctx, r.kill(victim), r.kill(workflow))
	}
}
