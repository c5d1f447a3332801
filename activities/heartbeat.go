package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// beat is well under the shortest heartbeat timeout of the table.
const beat = time.Second

// alive heartbeats until stop is called, so that a worker that was killed is noticed in seconds. What is done within a beat
// sends none: each costs a round trip and a write of Temporal's, as much as the rest of a short activity.
func alive(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(beat)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				activity.RecordHeartbeat(ctx)
			}
		}
	}()
	return func() { cancel(); <-done }
}
