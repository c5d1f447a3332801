package api

import (
	"context"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

func (s *Server) listInvestigations(ctx context.Context, _ auth.Caller, in *limitInput) (wire.InvestigationList, error) {
	list, err := s.summaries(ctx, in.Limit)
	return wire.InvestigationList{Investigations: list}, err
}

// summaries are the newest investigations, ready for a reader.
func (s *Server) summaries(ctx context.Context, limit int) ([]metadata.InvestigationSummary, error) {
	list, err := s.cfg.Metadata.ListInvestigations(ctx, limit)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if err := s.readSummary(ctx, &list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (s *Server) getInvestigation(ctx context.Context, _ auth.Caller, in *IDInput) (wire.InvestigationDetail, error) {
	return s.investigation(ctx, in.ID)
}

// investigation reads everything about an investigation but the results of its evidence. The revision is read first: what
// changes meanwhile is sent again, never missed.
func (s *Server) investigation(ctx context.Context, id string) (d wire.InvestigationDetail, err error) {
	db := s.cfg.Metadata
	d.ID = id
	if d.Revision, err = db.Revision(ctx, id); err != nil {
		return d, err
	}
	if d.Investigation, err = db.Investigation(ctx, id); err != nil {
		return d, err
	}
	if d.Evidence, err = db.EvidenceList(ctx, id); err != nil {
		return d, err
	}
	if d.Questions, err = s.questions(ctx, id); err != nil {
		return d, err
	}
	gathered, err := db.QuestionEvidence(ctx, id)
	if err != nil {
		return d, err
	}
	d.Evidence = append(d.Evidence, evidenceFor(d.Questions, gathered)...)
	for i := range d.Evidence {
		d.Evidence[i].Result = nil
	}
	if d.Fixes, err = db.FixesOfInvestigation(ctx, id); err != nil {
		return d, err
	}
	d.Workflow = workflows.InvestigationWorkflowID(s.cfg.Environment, id)
	if d.Models, err = s.modelUse(ctx, id); err != nil {
		return d, err
	}
	if d.Incident, err = s.incidentOf(ctx, d.Request.Incident); err != nil {
		return d, err
	}
	return d, s.readDetail(ctx, &d)
}

type evidenceInput struct {
	IDInput
	Evidence string `path:"eid" pattern:"^[A-Za-z0-9][A-Za-z0-9._:-]*$" maxLength:"200"`
}

func (s *Server) getEvidence(ctx context.Context, who auth.Caller, in *evidenceInput) (investigation.Evidence, error) {
	e, err := s.cfg.Metadata.Evidence(ctx, in.ID, in.Evidence)
	if err != nil || e.Question == 0 {
		return e, err
	}
	q, err := s.cfg.Metadata.NumberedQuestion(ctx, in.ID, e.Question)
	if err == nil && !investigation.Within(q.Namespaces, who.Namespaces) {
		err = metadata.ErrNotFound // for this caller
	}
	if err != nil {
		return investigation.Evidence{}, err
	}
	return e, nil
}
