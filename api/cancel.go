package api

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/serviceerror"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

// cancel ends an investigation that runs, and the incident it belongs to. What it found so far stays.
func (s *Server) cancel(ctx context.Context, _ auth.Caller, in *IDInput) (wire.Cancelled, error) {
	inv, err := s.cfg.Metadata.Investigation(ctx, in.ID)
	if err != nil {
		return wire.Cancelled{}, err
	}
	switch {
	case inv.Request.Environment != s.cfg.Environment:
		return wire.Cancelled{}, refuse(errConflict, "the investigation belongs to another environment")
	case inv.Status != metadata.Running || len(inv.Request.Triggers) == 0:
		return wire.Cancelled{}, refuse(errConflict, "the investigation does not run: it is "+inv.Status)
	}
	workflow := workflows.IncidentWorkflowID(s.cfg.Environment, inv.Request.Triggers[0].ID)
	if inv.Request.Replays != "" { // it has the triggers of the incident that it replays, which it does not belong to
		workflow = workflows.InvestigationWorkflowID(s.cfg.Environment, in.ID)
	}
	err = s.cfg.Temporal.CancelWorkflow(ctx, workflow, "")
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return wire.Cancelled{}, refuse(errConflict, "its workflow does not run any more")
	}
	if err != nil {
		return wire.Cancelled{}, fmt.Errorf("cancel %s: %w", workflow, err)
	}
	return wire.Cancelled{Investigation: in.ID, Workflow: workflow}, nil
}
