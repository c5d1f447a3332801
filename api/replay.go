package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/midwatch/midwatch/activities/starter"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/metadata"
)

type replayInput struct {
	IDInput
	Body wire.Replay
}

func (in *replayInput) audit() string { return fmt.Sprintf("analyst=%q", in.Body.Analyst) }

// replay starts an investigation with the request of another one, whose stored evidence answers its tool calls. It belongs to
// no incident of its own, so that nothing follows from its report.
func (s *Server) replay(ctx context.Context, who auth.Caller, in *replayInput) (wire.Replayed, error) {
	db := s.cfg.Metadata
	past, err := db.Investigation(ctx, in.ID)
	if err != nil {
		return wire.Replayed{}, err
	}
	if past.Status == metadata.Running {
		return wire.Replayed{}, refuse(errConflict, "the investigation still runs; replay it when it has ended")
	}
	if err := s.allowed(ctx, past.Request.Environment, in.Body.Analyst); err != nil {
		return wire.Replayed{}, err
	}
	if err := s.roomForReplay(ctx); err != nil {
		return wire.Replayed{}, err
	}
	r := past.Request
	if r.Replays == "" {
		r.Replays = r.ID
	}
	r.ID = "inv-" + strings.ReplaceAll(uuid.NewString(), "-", "")[:12]
	r.Analyst, r.Requester, r.Budget = in.Body.Analyst, who.Subject, s.cfg.Policy.Budget()
	if err := db.CreateInvestigation(ctx, r); err != nil {
		return wire.Replayed{}, err
	}
	if err := starter.Investigate(ctx, s.cfg.Temporal, r, "Replay of "+r.Replays+" by "+r.Analyst); err != nil {
		return wire.Replayed{}, errors.Join(err, db.SetInvestigationStatus(context.WithoutCancel(ctx), r.ID, metadata.Failed))
	}
	return wire.Replayed{Investigation: r.ID}, nil
}

// roomForReplay refuses more replays at once than there may be investigations: they do not wait in Intake's line. One that should
// have ended long ago was lost with its workflow and takes no place.
func (s *Server) roomForReplay(ctx context.Context) error {
	list, err := s.cfg.Metadata.ListInvestigations(ctx, 200)
	if err != nil {
		return err
	}
	running, most := 0, s.cfg.Policy.Investigations()
	for _, i := range list {
		if i.Replays != "" && i.Status == metadata.Running && time.Since(i.StartedAt) < 2*s.cfg.Policy.Budget().Wall {
			running++
		}
	}
	if running >= most {
		return refuse(errTooMany, fmt.Sprintf("%d replays run already, as many as investigations may at once; wait for one to end", running))
	}
	return nil
}

// allowed says early what the model role would say late: whether policy lets this analyst be asked.
func (s *Server) allowed(ctx context.Context, environment, analyst string) error {
	if analyst == investigation.AnalystBuiltin {
		return nil
	}
	if !slices.ContainsFunc(s.cfg.Providers, func(p llm.ProviderConfig) bool { return p.Name == analyst }) {
		return refuse(errInvalid, fmt.Sprintf("there is no analyst %q: it is %s, or the name of a model provider of the configuration", analyst, investigation.AnalystBuiltin))
	}
	p, err := s.cfg.Metadata.AIPolicy(ctx, environment)
	if err != nil {
		return err
	}
	if !p.Enabled {
		return refuse(errConflict, "AI is switched off for environment "+environment)
	}
	if !slices.Contains(p.Providers, analyst) {
		return refuse(errConflict, fmt.Sprintf("policy lists no model provider %q for environment %s", analyst, environment))
	}
	return nil
}
