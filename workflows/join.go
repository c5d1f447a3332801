package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/midwatch/midwatch/internal/investigation"
)

// join takes the triggers that came since, into the list and the metadata store.
func (i *incident) join(ctx workflow.Context) {
	var ts []investigation.Trigger
	for workflow.GetSignalChannel(ctx, TriggerSignal).ReceiveAsync(&ts) {
		switch {
		case !i.opened:
			i.keep(ts)
		case workflow.GetVersion(ctx, "joins-together", workflow.DefaultVersion, 1) < 1:
			i.joinEach(ctx, ts)
		default:
			i.store(ctx, i.keep(ts))
		}
		ts = nil
	}
}

// keep adds triggers as long as there is room, and counts the rest. It returns those that it added.
func (i *incident) keep(ts []investigation.Trigger) (kept []investigation.Trigger) {
	took := 0
	for _, t := range i.Triggers {
		took += t.Size()
	}
	for _, t := range ts {
		t = t.Bounded()
		if took += t.Size(); took > maxTriggerBytes || len(i.Triggers) >= maxGroup || i.joins >= maxJoins {
			i.Dropped++
			continue
		}
		i.Triggers, kept = append(i.Triggers, t), append(kept, t)
	}
	return kept
}

// store has late triggers stored, all of a signal at once.
func (i *incident) store(ctx workflow.Context, ts []investigation.Trigger) {
	if len(ts) == 0 && (i.counted > 0 || i.Dropped == 0) { // that there are more is said once; how many, at the end
		return
	}
	i.joins++
	summary := fmt.Sprintf("%d late triggers", len(ts))
	if len(ts) == 1 {
		summary = ts[0].Summary
	}
	input := JoinInput{Incident: i.id, Triggers: ts, Dropped: i.Dropped}
	if err := call(ctx, JoinTriggerActivity, summary, input).Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Warn("late triggers not stored", "triggers", len(ts), "error", err)
		return
	}
	i.counted = i.Dropped
}

// count has stored at the end how many triggers were left out.
func (i *incident) count(ctx workflow.Context) {
	if i.opened && i.Dropped > i.counted {
		i.counted = 0
		i.store(ctx, nil)
	}
}

// joinEach is join of what began when each late trigger was stored by itself.
func (i *incident) joinEach(ctx workflow.Context, ts []investigation.Trigger) {
	for _, t := range ts {
		i.Triggers = append(i.Triggers, t)
		if err := call(ctx, JoinTriggerActivity, t.Summary, JoinInput{Incident: i.id, Trigger: t}).Get(ctx, nil); err != nil {
			workflow.GetLogger(ctx).Warn("late trigger not stored", "trigger", t.ID, "error", err)
		}
	}
}
