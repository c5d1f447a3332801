package api

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/midwatch/midwatch/activities/starter"
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
		Attributes: map[string]string{workflows.RequesterAttribute: who.Subject}, Namespaces: who.Namespaces,
	}
	if t.Service != "" {
		t.Entity = telemetry.Service(t.Service)
	}
	if err := starter.Raise(ctx, s.cfg.Temporal, s.cfg.Environment, s.cfg.Policy, t); err != nil {
		return wire.Asked{}, err
	}
	incident := workflows.IncidentID(s.cfg.Environment, t.ID)
	return wire.Asked{Trigger: t.ID, Incident: incident, Investigation: workflows.InvestigationID(incident)}, nil
}
