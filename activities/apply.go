package activities

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/midwatch/midwatch/activities/action"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

// ApplyStore is what Apply needs of the metadata store.
type ApplyStore interface {
	Fix(ctx context.Context, id string) (investigation.Fix, error)
	SetFixStatus(ctx context.Context, id, status, result string) error
	SetFixApproved(ctx context.Context, id string, given []investigation.Given) error
	NonceSpent(ctx context.Context, nonce string) (fixID string, err error)
	SpendNonces(ctx context.Context, fixID string, nonces ...string) error
	Audit(ctx context.Context, subject, action, object, outcome, detail string) error
}

var _ ApplyStore = (*metadata.DB)(nil)

// Apply is the only activity that changes anything outside Midwatch. It trusts no workflow: whoever signals, resets or
// starts one, nothing happens without a fresh approval that the api signed for exactly this fix.
type Apply struct {
	DB          ApplyStore
	PublicKey   ed25519.PublicKey
	Actions     []investigation.Action
	Publisher   code.Publisher       // opens pull requests; nil: none
	Cluster     Remedier             // changes the cluster; nil: nothing may
	Quorum      investigation.Quorum // how many people must approve, whatever a fix says of itself
	Environment string               // the only one this worker may change
	Log         *slog.Logger
}

// recordTimeout bounds how long an outcome is tried to be kept.
const recordTimeout = 10 * time.Second

// unknownOutcome is recorded when a worker died between spending an approval and recording what came of it. Nothing is
// run twice, so a person has to look.
const unknownOutcome = "The outcome is unknown: the worker was lost while the fix ran. It is not run again; look at the target."

// Fix verifies the approval, spends it, and acts. A refusal is a result, not an error; it is audited and changes nothing.
func (a *Apply) Fix(ctx context.Context, in workflows.ApplyInput) (workflows.ApplyResult, error) {
	defer alive(ctx)()
	return a.decide(ctx, in, activity.GetInfo(ctx).Attempt > 1)
}

// decide is Fix; again is true when an earlier attempt of the same activity may have got anywhere.
func (a *Apply) decide(ctx context.Context, in workflows.ApplyInput, again bool) (workflows.ApplyResult, error) {
	fix, err := a.DB.Fix(ctx, in.Fix)
	if errors.Is(err, metadata.ErrNotFound) {
		return a.refuse(ctx, in, "there is no such fix")
	}
	if err != nil {
		return workflows.ApplyResult{}, err
	}
	if why := a.wrong(fix, in.Approval); why != "" {
		return a.refuse(ctx, in, why)
	}
	spent, err := a.DB.NonceSpent(ctx, in.Approval.Nonce)
	switch {
	case err != nil:
		return workflows.ApplyResult{}, err
	case spent == fix.ID && again:
		return a.recall(ctx, in)
	case spent != "":
		return a.refuse(ctx, in, usedBefore)
	}
	if why := a.late(fix, in.Approval); why != "" {
		return a.tooLate(ctx, in, why, again)
	}
	if !in.Approval.Approved {
		return a.settle(ctx, in, fix, nil, again)
	}
	return a.gather(ctx, in, fix, again)
}

const usedBefore = "it was used before, or the fix was decided before"

// settle spends what decides a fix, each once and for all and all of it together, and does what was decided. Besides the
// approval itself and the earlier ones that count with it, that is the fix: it is decided once.
func (a *Apply) settle(ctx context.Context, in workflows.ApplyInput, fix investigation.Fix, earlier []investigation.Approval, again bool) (workflows.ApplyResult, error) {
	nonces := []string{in.Approval.Nonce, "fix/" + fix.ID}
	for _, p := range earlier {
		nonces = append(nonces, p.Nonce)
	}
	err := a.DB.SpendNonces(ctx, fix.ID, nonces...)
	if errors.Is(err, metadata.ErrSpent) {
		if again {
			return a.recall(ctx, in)
		}
		return a.refuse(ctx, in, usedBefore)
	}
	if err != nil {
		return workflows.ApplyResult{}, err
	}
	if !in.Approval.Approved {
		return a.record(ctx, in, workflows.FixRejected, "Rejected by "+in.Approval.Approver)
	}
	return a.act(ctx, in, fix)
}

// wrong says why an approval never allows this fix, or "".
func (a *Apply) wrong(fix investigation.Fix, p investigation.Approval) string {
	if err := auth.VerifyApproval(a.PublicKey, p); errors.Is(err, auth.ErrSignature) {
		return err.Error()
	}
	switch {
	case p.Fix != fix.ID || p.Incident != fix.Incident || p.Target != fix.Target || p.Environment != fix.Environment:
		return "it is for another fix, incident, target or environment"
	case fix.Environment != a.Environment:
		return "this worker does not serve environment " + fix.Environment
	case p.Digest != fix.Digest || fix.Digest != fix.ContentDigest():
		return "it is for another content: the digests differ"
	}
	return ""
}

// late says why an approval that fits does not allow the fix at this moment, or "".
func (a *Apply) late(fix investigation.Fix, p investigation.Approval) string {
	if err := auth.VerifyApproval(a.PublicKey, p); err != nil {
		return err.Error()
	}
	if fix.Status != workflows.FixAwaiting {
		return "the fix is " + fix.Status
	}
	return ""
}

// tooLate refuses, unless an earlier attempt of this activity was in time and spent the approval: then what it did counts. An
// attempt that may have waited for hours must not act on what expired meanwhile.
func (a *Apply) tooLate(ctx context.Context, in workflows.ApplyInput, why string, again bool) (workflows.ApplyResult, error) {
	if again {
		err := a.DB.SpendNonces(ctx, in.Fix, in.Approval.Nonce) // of no use to anyone any more
		if errors.Is(err, metadata.ErrSpent) {
			return a.recall(ctx, in)
		}
		if err != nil {
			return workflows.ApplyResult{}, err
		}
	}
	return a.refuse(ctx, in, why)
}

// recall answers a repeated attempt: what the first one recorded or, if it was lost before that, that nobody knows.
func (a *Apply) recall(ctx context.Context, in workflows.ApplyInput) (workflows.ApplyResult, error) {
	fix, err := a.DB.Fix(ctx, in.Fix)
	if err != nil {
		return workflows.ApplyResult{}, err
	}
	switch fix.Status {
	case workflows.FixApplied, workflows.FixFailed, workflows.FixRejected:
		return workflows.ApplyResult{Status: fix.Status, Output: fix.Result, At: fix.UpdatedAt}, nil
	}
	if fix.Status == workflows.FixApplying && (fix.PullRequest != nil || fix.Cluster != nil) {
		return a.goOn(ctx, in, fix)
	}
	return a.record(ctx, in, workflows.FixFailed, unknownOutcome)
}

// act looks once more whether the fix can still be done as it was approved, and does it.
func (a *Apply) act(ctx context.Context, in workflows.ApplyInput, fix investigation.Fix) (workflows.ApplyResult, error) {
	if fix.Kind == investigation.OpenPullRequest {
		return a.publish(ctx, in, fix)
	}
	if fix.Cluster != nil {
		return a.remedy(ctx, in, fix)
	}
	plan, err := a.plan(fix)
	if err != nil {
		return a.record(ctx, in, workflows.FixFailed, "Not applied: "+err.Error())
	}
	if err := a.DB.SetFixStatus(ctx, fix.ID, workflows.FixApplying, ""); err != nil {
		return a.record(ctx, in, workflows.FixFailed, "Not applied: "+err.Error())
	}
	a.Log.InfoContext(ctx, "apply fix", "fix", fix.ID, "approver", in.Approval.Approver, "content", fix.Content)
	output, err := plan.Run(ctx)
	if err != nil {
		return a.record(ctx, in, workflows.FixFailed, fmt.Sprintf("Failed: %v\n%s", err, output))
	}
	return a.record(ctx, in, workflows.FixApplied, output)
}

func (a *Apply) plan(fix investigation.Fix) (action.Plan, error) {
	named, err := action.Find(a.Actions, fix.Action)
	if err != nil {
		return action.Plan{}, err
	}
	plan, err := action.New(named, fix.Parameters)
	if err != nil {
		return plan, err
	}
	if plan.String() != fix.Content {
		return plan, errors.New("the configured action was changed since the fix was approved")
	}
	return plan, plan.Ready()
}

// record keeps the outcome, with some patience and though the activity was cancelled (the worker stops): an outcome that is
// not recorded is unknown for ever.
func (a *Apply) record(ctx context.Context, in workflows.ApplyInput, status, result string) (workflows.ApplyResult, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	var err error
	for try := range 5 {
		if err = a.DB.SetFixStatus(ctx, in.Fix, status, result); err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return workflows.ApplyResult{}, ctx.Err()
		case <-time.After(time.Duration(1+try) * 200 * time.Millisecond):
		}
	}
	if err != nil {
		return workflows.ApplyResult{}, err
	}
	if err := a.DB.Audit(ctx, in.Approval.Approver, decision(in.Approval), in.Fix, status, result); err != nil {
		a.Log.ErrorContext(ctx, "decision not audited", "fix", in.Fix, "error", err)
	}
	return workflows.ApplyResult{Status: status, Output: result, At: time.Now().UTC()}, nil
}

func (a *Apply) refuse(ctx context.Context, in workflows.ApplyInput, why string) (workflows.ApplyResult, error) {
	a.Log.WarnContext(ctx, "approval refused", "fix", in.Fix, "reason", why)
	if err := a.DB.Audit(ctx, in.Approval.Approver, decision(in.Approval), in.Fix, "refused", why); err != nil {
		return workflows.ApplyResult{}, err
	}
	return workflows.ApplyResult{Refused: why, At: time.Now().UTC()}, nil
}
