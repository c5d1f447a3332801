package api

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/client"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/workflows"
)

type askInput struct {
	Body wire.Ask
}

func (in *askInput) audit() string {
	return fmt.Sprintf("service=%q question=%q", in.Body.Service, in.Body.Question)
}

// ask raises a manual trigger; the intake gives it an investigation of its own.
func (s *Server) ask(ctx context.Context, who auth.Caller, in *askInput) (wire.Asked, error) {
	t := investigation.Trigger{
		ID: "manual-" + uuid.NewString(), Kind: investigation.Manual, Environment: s.cfg.Environment, Rule: "manual",
		Service: in.Body.Service, Severity: investigation.Warning, Summary: in.Body.Question, At: time.Now().UTC(),
		Attributes: map[string]string{workflows.RequesterAttribute: who.Subject},
	}
	if t.Service != "" {
		t.Entity = telemetry.Service(t.Service)
	}
	intake := workflows.IntakeID(s.cfg.Environment)
	_, err := s.cfg.Temporal.SignalWithStartWorkflow(ctx, intake, workflows.TriggerSignal, []investigation.Trigger{t},
		client.StartWorkflowOptions{ID: intake, TaskQueue: workflows.OrchestrateQueue, StaticSummary: "Intake of " + s.cfg.Environment},
		workflows.IntakeWorkflow, workflows.IntakeInput{Environment: s.cfg.Environment, Policy: s.cfg.Policy})
	if err != nil {
		return wire.Asked{}, fmt.Errorf("signal %s: %w", intake, err)
	}
	incident := workflows.IncidentID(s.cfg.Environment, t.ID)
	return wire.Asked{Trigger: t.ID, Incident: incident, Investigation: workflows.InvestigationID(incident)}, nil
}
