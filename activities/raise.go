package activities

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/midwatch/midwatch/activities/starter"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// repeat is how often a condition that lasts is raised again: often enough for Intake to know that its incident goes on,
// and not at every scan.
const repeat = 20 * time.Second

// Raise hands triggers to Intake. It starts with an empty memory: what was raised before a restart is raised again, and
// Intake ignores it.
type Raise struct {
	Client client.Client // of workflows.Namespace

	recent struct {
		sync.Mutex
		at map[string]time.Time // :: trigger id → last raised
	}
}

// Triggers raises what is new, and from time to time what lasts.
func (a *Raise) Triggers(ctx context.Context, in workflows.RaiseInput) error {
	for ts := range slices.Chunk(a.due(in.Triggers, time.Now()), starter.Batch) {
		if err := starter.Raise(ctx, a.Client, in.Environment, in.Policy, ts...); err != nil {
			return err
		}
		a.remember(ts, time.Now())
	}
	return nil
}

func (a *Raise) due(ts []investigation.Trigger, now time.Time) []investigation.Trigger {
	a.recent.Lock()
	defer a.recent.Unlock()
	var due []investigation.Trigger
	for _, t := range ts {
		if at, ok := a.recent.at[t.ID]; !ok || now.Sub(at) >= repeat {
			due = append(due, t)
		}
	}
	return due
}

func (a *Raise) remember(ts []investigation.Trigger, now time.Time) {
	a.recent.Lock()
	defer a.recent.Unlock()
	if a.recent.at == nil {
		a.recent.at = map[string]time.Time{}
	}
	for id, at := range a.recent.at {
		if now.Sub(at) >= repeat {
			delete(a.recent.at, id)
		}
	}
	for _, t := range ts {
		a.recent.at[t.ID] = now
	}
}
