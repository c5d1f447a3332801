package metadata

import (
	"context"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// InvestigationSummary is one line of a list of investigations.
type InvestigationSummary struct {
	ID          string                `json:"id"`
	Incident    string                `json:"incident"`
	Environment string                `json:"environment"`
	Status      string                `json:"status"` // Running, Concluded, Failed
	Service     string                `json:"service,omitempty"`
	Question    string                `json:"question,omitempty"` // of the person, else the first trigger's summary
	Verdict     investigation.Verdict `json:"verdict,omitempty"`
	Title       string                `json:"title,omitempty"` // of the report
	Culprit     telemetry.Entity      `json:"culprit,omitempty"`
	Confidence  float64               `json:"confidence"`
	StartedAt   time.Time             `json:"started_at"`
	EndedAt     time.Time             `json:"ended_at,omitzero"`
	Replays     string                `json:"-"` // the investigation whose evidence it reads; "": its own
}

// ListInvestigations returns the newest investigations, newest first.
func (d *DB) ListInvestigations(ctx context.Context, limit int) ([]InvestigationSummary, error) {
	list := []InvestigationSummary{}
	err := d.rows(ctx, d.sql, `SELECT id, status, started_at, ended_at, sealed, report FROM investigations
		ORDER BY started_at DESC, id DESC LIMIT ?`, []any{limit},
		func(scan func(...any) error) error {
			var id, status string
			var started, ended int64
			var sealed, report []byte
			if err := scan(&id, &status, &started, &ended, &sealed, &report); err != nil {
				return err
			}
			s, err := d.summarize(id, sealed, report)
			s.Status, s.StartedAt, s.EndedAt = status, fromMicros(started), fromMicros(ended)
			list = append(list, s)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("list investigations: %w", err)
	}
	return list, nil
}

// InvestigationSummary returns the summary of one investigation, or ErrNotFound.
func (d *DB) InvestigationSummary(ctx context.Context, id string) (InvestigationSummary, error) {
	var status string
	var started, ended int64
	var sealed, report []byte
	err := d.row(ctx, d.sql, `SELECT status, started_at, ended_at, sealed, report FROM investigations WHERE id = ?`, []any{id},
		&status, &started, &ended, &sealed, &report)
	var s InvestigationSummary
	if err == nil {
		s, err = d.summarize(id, sealed, report)
	}
	if err != nil {
		return InvestigationSummary{}, fmt.Errorf("summarize investigation %s: %w", id, err)
	}
	s.Status, s.StartedAt, s.EndedAt = status, fromMicros(started), fromMicros(ended)
	return s, nil
}

func (d *DB) summarize(id string, request, report []byte) (InvestigationSummary, error) {
	var req investigation.Request
	if err := d.open(requestPurpose(id), request, &req); err != nil {
		return InvestigationSummary{}, err
	}
	s := InvestigationSummary{ID: id, Incident: req.Incident, Environment: req.Environment, Question: req.Question, Replays: req.Replays}
	if len(req.Triggers) > 0 {
		s.Service = req.Triggers[0].Service
		if s.Question == "" {
			s.Question = req.Triggers[0].Summary
		}
	}
	r, err := d.openReport(id, report)
	if r != nil {
		s.Verdict, s.Title, s.Culprit, s.Confidence = r.Verdict, r.Title, r.Culprit, r.Confidence
	}
	return s, err
}
