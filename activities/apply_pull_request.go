package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// publish opens the pull request of an approved fix. Its branch, commit and pull request are named by the fix, so that,
// unlike a command, it may be tried again by an activity that was lost in the middle.
func (a *Apply) publish(ctx context.Context, in workflows.ApplyInput, fix investigation.Fix) (workflows.ApplyResult, error) {
	if a.Publisher == nil || fix.PullRequest == nil {
		return a.record(ctx, in, workflows.FixFailed, "Not applied: this worker has no right to write to a code host; see docs/github.md")
	}
	if err := a.DB.SetFixStatus(ctx, fix.ID, workflows.FixApplying, ""); err != nil {
		return a.record(ctx, in, workflows.FixFailed, "Not applied: "+err.Error())
	}
	a.Log.InfoContext(ctx, "open pull request", "fix", fix.ID, "approver", in.Approval.Approver, "repository", fix.PullRequest.Repository)
	made, err := a.Publisher.Publish(ctx, *fix.PullRequest)
	switch {
	case err == nil:
		return a.record(ctx, in, workflows.FixApplied, fmt.Sprintf("Opened pull request %d: %s", made.Number, made.URL))
	case errors.Is(err, code.ErrConflict) || impossible(err) != "":
		return a.record(ctx, in, workflows.FixFailed, "Not applied: "+err.Error())
	}
	return workflows.ApplyResult{}, err
}

// goOn finishes what an earlier attempt began and can be begun again, as long as the approval holds.
func (a *Apply) goOn(ctx context.Context, in workflows.ApplyInput, fix investigation.Fix) (workflows.ApplyResult, error) {
	late := !in.Approval.Approved || !time.Now().Before(in.Approval.ExpiresAt)
	if late && fix.Cluster != nil {
		return a.outcome(ctx, in, fix)
	}
	if fix.Cluster != nil {
		return a.remedy(ctx, in, fix)
	}
	if late {
		return a.record(ctx, in, workflows.FixFailed, fmt.Sprintf("The outcome is unknown: the worker was lost while it opened the pull request, "+
			"and the approval expired before it came back. Look for branch %s.", fix.PullRequest.Branch))
	}
	return a.publish(ctx, in, fix)
}
