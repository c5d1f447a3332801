package activities

import (
	"context"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// An installation that is called otherwise now may still have the schedule of its old name: what that finds would be looked for
// where nothing is any more.
func TestAScanOfAnotherEnvironmentFindsNothing(t *testing.T) {
	d := &Detect{Environment: "shop"}
	look := func(context.Context, time.Time) ([]investigation.Trigger, error) {
		return []investigation.Trigger{{ID: "a"}}, nil
	}
	for environment, want := range map[string]int{"shop": 1, "vm-7": 0} {
		found, err := d.find(t.Context(), workflows.ScanRequest{Environment: environment, Now: time.Now()}, look)
		if err != nil || len(found) != want {
			t.Errorf("%s: %v, %v", environment, found, err)
		}
	}
}
