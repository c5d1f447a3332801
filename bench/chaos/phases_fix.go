package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/workflows"
)

// untilAwaited raises the trigger and returns when its fix awaits approval and somebody is there to receive it.
func (r *run) untilAwaited(ctx context.Context) error {
	return inOrder(ctx, r.raise, r.fixIs(workflows.FixAwaiting), r.incidentIs(workflows.AwaitingApproval))
}

func (r *run) incidentIs(status string) step {
	return func(ctx context.Context) error {
		return await(ctx, "the incident to be "+status, func() (bool, error) {
			i, err := r.meta.Incident(ctx, r.incident)
			return i.Status == status, err
		})
	}
}

// fixAwaits: nothing moves until somebody approves, which happens after the kill.
func fixAwaits(ctx context.Context, r *run, victim part) error {
	return inOrder(ctx, r.untilAwaited, r.kill(victim))
}

// approvedWhileAway: whoever is to take the approval, pass it on or carry it out stands still while it is given, and then is killed.
func approvedWhileAway(ctx context.Context, r *run, victim part) error {
	if err := r.untilAwaited(ctx); err != nil {
		return err
	}
	pid, err := r.pid(ctx, victim)
	if err != nil {
		return err
	}
	if err := freeze(ctx, pid); err != nil {
		return err
	}
	defer thaw(pid)
	if victim == applyRole || victim == orchestrate { // Temporal keeps it for them
		return inOrder(ctx, r.approve, r.kill(victim))
	}
	// Nobody takes it: the person waits a little, sees an error, and tries again when everything is back.
	f, err := r.meta.Fix(ctx, r.fix)
	if err != nil {
		return err
	}
	impatient, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if _, err := r.person.Approve(impatient, r.fix, f.Digest); err == nil {
		return fmt.Errorf("%s took the approval while it stood still", victim)
	}
	return r.kill(victim)(ctx)
}

// approvalNotSpent: the metadata store is locked when the apply role has the approval.
func approvalNotSpent(ctx context.Context, r *run, victim part) error {
	if err := r.untilAwaited(ctx); err != nil {
		return err
	}
	pid, err := r.pid(ctx, applyRole)
	if err != nil {
		return err
	}
	if err := freeze(ctx, pid); err != nil {
		return err
	}
	defer thaw(pid)
	if err := inOrder(ctx, r.approve, r.taken(r.remediation(), workflows.ApplyFixActivity), r.brake.hold); err != nil {
		return err
	}
	thaw(pid)
	if err := inOrder(ctx, r.running(r.remediation(), workflows.ApplyFixActivity), r.kill(victim)); err != nil {
		return err
	}
	if f, err := r.meta.Fix(ctx, r.fix); err != nil || f.Status != workflows.FixAwaiting {
		return errors.Join(fmt.Errorf("the fix is %s", f.Status), err)
	}
	if victim == applyRole {
		r.again = append(r.again, activity{r.remediation(), workflows.ApplyFixActivity})
	}
	return nil
}

// untilActing returns when the action runs, which does not end before release is called.
func (r *run) untilActing(ctx context.Context) (release func(), err error) {
	if release, err = r.holdAction(); err != nil {
		return release, err
	}
	return release, inOrder(ctx, r.untilAwaited, r.approve, r.acted("began"))
}

// fixRuns: the action is held. Killed with the apply role, its outcome is unknown, and it is not run again.
func fixRuns(ctx context.Context, r *run, victim part) error {
	release, err := r.untilActing(ctx)
	defer release()
	if err != nil {
		return err
	}
	if victim == applyRole {
		r.unknown = true
		r.again = append(r.again, activity{r.remediation(), workflows.ApplyFixActivity})
	}
	return r.kill(victim)(ctx)
}

// outcomeNotRecorded: the metadata store is locked when the action ends.
func outcomeNotRecorded(ctx context.Context, r *run, victim part) error {
	release, err := r.untilActing(ctx)
	defer release()
	if err != nil {
		return err
	}
	if err := r.brake.hold(ctx); err != nil {
		return err
	}
	release()
	r.unknown = true
	r.again = append(r.again, activity{r.remediation(), workflows.ApplyFixActivity})
	return inOrder(ctx, r.acted("ended"), r.kill(victim))
}

// outcomeRecorded: Temporal stands still while the outcome is recorded.
func outcomeRecorded(ctx context.Context, r *run, victim part) error {
	release, err := r.untilActing(ctx)
	defer release()
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
	release()
	if victim == applyRole {
		r.again = append(r.again, activity{r.remediation(), workflows.ApplyFixActivity})
	}
	return inOrder(ctx, r.fixIs(workflows.FixApplied), r.untold(victim))
}

// recoveryWatched: the fix was applied a moment ago, and it takes three looks, seconds apart, to believe that it helped.
func recoveryWatched(ctx context.Context, r *run, victim part) error {
	return inOrder(ctx, r.untilAwaited, r.approve, r.incidentIs(workflows.Verifying), r.kill(victim))
}
