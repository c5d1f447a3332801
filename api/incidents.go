package api

import (
	"context"
	"errors"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
)

// IDInput names one thing; exported, or huma would not see its field where it is embedded. Ids are made here and are plain; anything else names nothing.
type IDInput struct {
	ID string `path:"id" pattern:"^[A-Za-z0-9][A-Za-z0-9._:-]*$" maxLength:"200"`
}

type limitInput struct {
	Limit int `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func (s *Server) listIncidents(ctx context.Context, _ auth.Caller, in *limitInput) (wire.IncidentList, error) {
	incidents, err := s.cfg.Metadata.ListIncidents(ctx, in.Limit)
	if err != nil {
		return wire.IncidentList{}, err
	}
	found, err := s.summaries(ctx, 2*in.Limit)
	if err != nil {
		return wire.IncidentList{}, err
	}
	of := make(map[string]metadata.InvestigationSummary, len(found)) // :: id → summary
	for _, f := range found {
		of[f.ID] = f
	}
	list := wire.IncidentList{Incidents: make([]wire.IncidentRow, len(incidents))}
	for n, i := range incidents {
		f := of[i.Investigation]
		if err := s.readIncident(ctx, &i); err != nil {
			return wire.IncidentList{}, err
		}
		list.Incidents[n] = wire.IncidentRow{Incident: i, Verdict: f.Verdict, Culprit: string(f.Culprit)}
	}
	return list, nil
}

func (s *Server) getIncident(ctx context.Context, _ auth.Caller, in *IDInput) (wire.IncidentDetail, error) {
	i, err := s.cfg.Metadata.Incident(ctx, in.ID)
	if err != nil {
		return wire.IncidentDetail{}, err
	}
	if err := s.readIncident(ctx, &i); err != nil {
		return wire.IncidentDetail{}, err
	}
	detail := wire.IncidentDetail{Incident: i}
	summary, err := s.cfg.Metadata.InvestigationSummary(ctx, i.Investigation)
	if err == nil {
		err = s.readSummary(ctx, &summary)
		detail.Investigation = &summary
	}
	if err != nil && !errors.Is(err, metadata.ErrNotFound) { // not begun yet
		return wire.IncidentDetail{}, err
	}
	if detail.Fixes, err = s.cfg.Metadata.FixesOf(ctx, in.ID); err != nil {
		return wire.IncidentDetail{}, err
	}
	return detail, s.readFixes(ctx, detail.Fixes)
}

// incidentOf returns the incident of an investigation, or nil when it has none.
func (s *Server) incidentOf(ctx context.Context, id string) (*investigation.Incident, error) {
	i, err := s.cfg.Metadata.Incident(ctx, id)
	if errors.Is(err, metadata.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &i, nil
}
