package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"

	"github.com/midwatch/midwatch/activities/starter"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

func (s *Server) listFixes(ctx context.Context, _ auth.Caller, in *limitInput) (wire.FixList, error) {
	list, err := s.cfg.Metadata.ListFixes(ctx, in.Limit)
	if err != nil {
		return wire.FixList{}, err
	}
	return wire.FixList{Fixes: list}, s.readFixes(ctx, list)
}

func (s *Server) getFix(ctx context.Context, _ auth.Caller, in *IDInput) (investigation.Fix, error) {
	f, err := s.cfg.Metadata.Fix(ctx, in.ID)
	if err != nil {
		return investigation.Fix{}, err
	}
	one := []investigation.Fix{f}
	err = s.readFixes(ctx, one)
	return one[0], err
}

type approveInput struct {
	IDInput
	Body wire.Approve
}

func (in *approveInput) audit() string { return "digest=" + in.Body.Digest }

func (s *Server) approve(ctx context.Context, who auth.Caller, in *approveInput) (wire.Decision, error) {
	return s.decide(ctx, who, in.ID, in.Body.Digest, true, "")
}

type rejectInput struct {
	IDInput
	Body wire.Reject
}

func (in *rejectInput) audit() string {
	return fmt.Sprintf("digest=%s reason=%q", in.Body.Digest, in.Body.Reason)
}

func (s *Server) reject(ctx context.Context, who auth.Caller, in *rejectInput) (wire.Decision, error) {
	return s.decide(ctx, who, in.ID, in.Body.Digest, false, in.Body.Reason)
}

// undelivered says what to do about a decision that no workflow took: it may have ended just now, or not have begun for want of workers.
func (s *Server) undelivered(ctx context.Context, id string) error {
	fix, err := s.cfg.Metadata.Fix(ctx, id)
	switch {
	case err != nil:
		return err
	case fix.Status != workflows.FixAwaiting:
		return refuse(errConflict, "the fix does not wait for a decision any more: it is "+fix.Status)
	default:
		return refuse(errBusy, "nothing waits for this decision right now: what does may not have started yet, so decide again in a moment. If that does not help, its workflow was ended by somebody; investigate again")
	}
}

// decide signs a person's decision on exactly what they were shown, and hands it to the workflow that waits for it. The
// signature is what counts: the apply role checks it again, with everything else.
func (s *Server) decide(ctx context.Context, who auth.Caller, id, digest string, approved bool, reason string) (wire.Decision, error) {
	fix, err := s.cfg.Metadata.Fix(ctx, id)
	if err != nil {
		return wire.Decision{}, err
	}
	switch {
	case fix.Environment != s.cfg.Environment:
		return wire.Decision{}, refuse(errConflict, "the fix belongs to another environment")
	case fix.Digest != digest || fix.ContentDigest() != digest:
		return wire.Decision{}, refuse(errConflict, "the digest is not that of the fix: look at the fix again")
	case fix.Status != workflows.FixAwaiting:
		return wire.Decision{}, refuse(errConflict, "the fix does not wait for a decision: it is "+fix.Status)
	}
	needed, given := fix.Quorate(time.Now())
	for _, g := range given {
		if approved && investigation.SamePerson(g.Approver, who.Subject) {
			return wire.Decision{}, refuse(errConflict, fmt.Sprintf("you approved this fix already; it needs %d people, so somebody else has to", needed))
		}
	}
	a := auth.Decide(fix, who.Subject, approved)
	a.Reason = reason
	auth.SignApproval(s.cfg.ApprovalKey, &a)
	err = starter.Decide(ctx, s.cfg.Temporal, a)
	var missing *serviceerror.NotFound
	if errors.As(err, &missing) {
		return wire.Decision{}, s.undelivered(ctx, fix.ID)
	}
	if err != nil {
		return wire.Decision{}, err
	}
	return wire.Decision{Fix: fix.ID, Digest: digest, Approved: approved, Approver: a.Approver, ExpiresAt: a.ExpiresAt, Needed: needed, Given: len(given)}, nil
}
