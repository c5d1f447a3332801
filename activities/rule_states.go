package activities

import (
	"context"
	"reflect"
	"sync"
	"time"

	"github.com/midwatch/midwatch/internal/rules"
)

// tellEvery is how often what became of alert rules is stored though nothing of it changed: it says that they are evaluated still.
const tellEvery = 30 * time.Second

// told is what this process stored last.
type told struct {
	mu   sync.Mutex
	last rules.States
}

// tell stores what became of alert rules for people to see. That they cannot be told must not keep triggers from being raised.
func (a *Detect) tell(ctx context.Context, s rules.States) {
	a.told.mu.Lock()
	defer a.told.mu.Unlock()
	if s.At.Sub(a.told.last.At) < tellEvery && s.Error == a.told.last.Error && reflect.DeepEqual(s.Rules, a.told.last.Rules) {
		return
	}
	if err := a.DB.StoreRuleStates(ctx, a.Environment, s); err != nil {
		if a.Log != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "store what became of the alert rules", "error", err)
		}
		return
	}
	a.told.last = s
}
