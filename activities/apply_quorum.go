package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

// gather acts once enough different people have approved, and says how many are missing until then. Nothing is spent
// before: an approval that waits for another expires by itself.
func (a *Apply) gather(ctx context.Context, in workflows.ApplyInput, fix investigation.Fix, again bool) (workflows.ApplyResult, error) {
	earlier, expired, why, err := a.standing(ctx, fix, in)
	if err != nil {
		return workflows.ApplyResult{}, err
	}
	if why != "" {
		return a.refuse(ctx, in, why)
	}
	if again { // an attempt that is still under way somewhere must not act on what expired meanwhile
		for _, p := range expired {
			if err := a.DB.SpendNonces(ctx, fix.ID, p.Nonce); errors.Is(err, metadata.ErrSpent) {
				return a.recall(ctx, in)
			} else if err != nil {
				return workflows.ApplyResult{}, err
			}
		}
	}
	needed := max(fix.Needed, a.Quorum.Needed(fix.Kind))
	given := append(slices.Clone(earlier), in.Approval)
	if needed > 1 {
		if err := a.DB.SetFixApproved(ctx, fix.ID, givenBy(given)); err != nil {
			return workflows.ApplyResult{}, err
		}
	}
	if len(given) < needed {
		return a.wait(ctx, in, given, needed)
	}
	return a.settle(ctx, in, fix, earlier, again)
}

// standing verifies the earlier approvals as if each were new, and returns those that still count and those that expired.
// why says what refuses the new approval because of them.
func (a *Apply) standing(ctx context.Context, fix investigation.Fix, in workflows.ApplyInput) (valid, expired []investigation.Approval, why string, err error) {
	for _, p := range in.Earlier {
		if wrong := a.wrong(fix, p); wrong != "" || !p.Approved {
			return nil, nil, "an approval that came with it does not count: " + strings.TrimSpace(wrong), nil
		}
		same := func(o investigation.Approval) bool {
			return investigation.SamePerson(o.Approver, p.Approver) || o.Nonce == p.Nonce
		}
		spent, err := a.DB.NonceSpent(ctx, p.Nonce)
		switch {
		case err != nil:
			return nil, nil, "", err
		case auth.VerifyApproval(a.PublicKey, p) != nil:
			expired = append(expired, p)
		case spent != "" || slices.ContainsFunc(valid, same):
		case same(in.Approval):
			return nil, nil, p.Approver + " approved it already; another person has to", nil
		default:
			valid = append(valid, p)
		}
	}
	return valid, expired, "", nil
}

// wait answers that an approval counts and that more are needed.
func (a *Apply) wait(ctx context.Context, in workflows.ApplyInput, given []investigation.Approval, needed int) (workflows.ApplyResult, error) {
	r := workflows.ApplyResult{At: time.Now().UTC()}
	var by []string
	for _, p := range given {
		by, r.Counted = append(by, p.Approver), append(r.Counted, p.Nonce)
	}
	r.Waiting = fmt.Sprintf("%d of %d approvals, by %s", len(given), needed, strings.Join(by, ", "))
	return r, a.DB.Audit(ctx, in.Approval.Approver, decision(in.Approval), in.Fix, "counted", r.Waiting)
}

func givenBy(approvals []investigation.Approval) []investigation.Given {
	given := make([]investigation.Given, len(approvals))
	for n, p := range approvals {
		given[n] = investigation.Given{Approver: p.Approver, At: p.IssuedAt, ExpiresAt: p.ExpiresAt}
	}
	return given
}
