package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/activities/starter"
	"github.com/midwatch/midwatch/api/hook"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
)

// postsPerSecond bounds what a reporter's token can do to Intake, whose history grows with every message. A storm is one
// message per group of alerts; who is told to come back does.
const postsPerSecond = 10

// maxNoted is how many resolved alerts the audit log names.
const maxNoted = 20

type postInput struct {
	Body json.RawMessage // package hook says what it may be
}

func (in *postInput) audit() string { return fmt.Sprintf("%d bytes", len(in.Body)) }

// post takes the messages of another alerting system: what fires becomes triggers, what is over is noted. Intake ignores
// triggers that it has seen, so the same message again does nothing.
func post(s *Server, source hook.Source) func(context.Context, auth.Caller, *postInput) (wire.Posted, error) {
	return func(ctx context.Context, who auth.Caller, in *postInput) (wire.Posted, error) {
		if !s.posts.Allow() {
			return wire.Posted{}, refuse(errBusy, "too many messages; send this one again in a moment")
		}
		r, err := hook.Read(source, in.Body, time.Now(), hook.Config{Environment: s.cfg.Environment, ServiceLabels: s.cfg.ServiceLabels})
		if err != nil {
			return wire.Posted{}, refuse(errInvalid, err.Error())
		}
		for ts := range slices.Chunk(r.Triggers, starter.Batch) {
			if err := starter.Raise(ctx, s.cfg.Temporal, s.cfg.Environment, s.cfg.Policy, ts...); err != nil {
				s.cfg.Log.ErrorContext(ctx, "raise posted alerts", "source", source, "error", err)
				return wire.Posted{}, refuse(errBusy, "Temporal cannot be reached; send this message again in a moment")
			}
		}
		if len(r.Resolved) > 0 {
			_ = s.audit(ctx, who.Subject, "hooks."+string(source), "resolved", "noted", names(r.Resolved))
		}
		if r.Skipped > 0 {
			s.cfg.Log.WarnContext(ctx, "posted alerts skipped", "source", source, "subject", who.Subject, "skipped", r.Skipped, "first", r.Reason)
		}
		return wire.Posted{Raised: len(r.Triggers), Resolved: len(r.Resolved), Skipped: r.Skipped, Reason: r.Reason, Cut: r.Cut}, nil
	}
}

// names lists alerts for people.
func names(ts []investigation.Trigger) string {
	var list []string
	for _, t := range ts[:min(len(ts), maxNoted)] {
		list = append(list, t.ID+" "+t.Summary)
	}
	if more := len(ts) - len(list); more > 0 {
		list = append(list, fmt.Sprintf("%d more", more))
	}
	return strings.Join(list, "; ")
}
