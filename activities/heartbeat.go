package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// beat is well under the shortest heartbeat timeout of the table.
const beat = time.Second

// alive heartbeats until stop is called, so that a worker that was killed is noticed in seconds.
func alive(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(beat)
		defer tick.Stop()
		for {
			activity.RecordHeartbeat(ctx)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return func() { cancel(); <-done }
}
