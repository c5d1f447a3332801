package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/midwatch/midwatch/internal/investigation"
)

// Scan is one tick of the watch: every detector looks, and what they find goes to Intake. A detector that fails is not
// retried, the next tick comes in seconds; the others count nevertheless.
func Scan(ctx workflow.Context, in ScanInput) (string, error) {
	req := ScanRequest{Environment: in.Environment, Now: workflow.Now(ctx)}
	names := []string{EvaluateAlertsActivity, ScanAnomaliesActivity, ScanDeploymentsActivity, ScanKernelEventsActivity}
	futures := make([]workflow.Future, len(names))
	for i, name := range names {
		futures[i] = call(ctx, name, "", req)
	}
	var found []investigation.Trigger
	failed := 0
	for i, f := range futures {
		var ts []investigation.Trigger
		if err := f.Get(ctx, &ts); err != nil {
			failed++
			workflow.GetLogger(ctx).Warn("detector failed", "detector", names[i], "error", err)
		}
		found = append(found, ts...)
	}
	if len(found) > 0 {
		raise := RaiseInput{Environment: in.Environment, Policy: in.Policy, Triggers: found}
		if err := call(ctx, RaiseTriggersActivity, leading(found).Summary, raise).Get(ctx, nil); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d triggers, %d detectors failed", len(found), failed), nil
}
