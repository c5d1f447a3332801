package activities

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

// IncidentStore is what Incidents needs of the metadata store.
type IncidentStore interface {
	PutIncident(ctx context.Context, i investigation.Incident) error
	UpdateIncident(ctx context.Context, id string, change func(*investigation.Incident)) error
	CreateInvestigation(ctx context.Context, r investigation.Request) error
	SetInvestigationStatus(ctx context.Context, id, status string) error
	SetFixStatus(ctx context.Context, id, status, result string) error
	Audit(ctx context.Context, subject, action, object, outcome, detail string) error
	PastStore
}

var _ IncidentStore = (*metadata.DB)(nil)

// Incidents keeps the metadata store in step with the workflows.
type Incidents struct {
	DB      IncidentStore
	Actions []investigation.Action // named actions a fix may use
}

// Open stores a new incident.
func (a *Incidents) Open(ctx context.Context, i investigation.Incident) error {
	return a.DB.PutIncident(ctx, i)
}

// Join adds late triggers, each once, and notes how many were left out.
func (a *Incidents) Join(ctx context.Context, in workflows.JoinInput) error {
	return final(a.DB.UpdateIncident(ctx, in.Incident, func(i *investigation.Incident) {
		late := in.Triggers
		if in.Trigger.ID != "" {
			late = append(late, in.Trigger)
		}
		for _, l := range late {
			if !slices.ContainsFunc(i.Triggers, func(t investigation.Trigger) bool { return t.ID == l.ID }) {
				i.Triggers = append(i.Triggers, l)
			}
		}
		i.Dropped = max(i.Dropped, in.Dropped)
	}))
}

// Update sets where an incident is.
func (a *Incidents) Update(ctx context.Context, c workflows.IncidentChange) error {
	return final(a.DB.UpdateIncident(ctx, c.Incident, func(i *investigation.Incident) {
		i.Status = c.Status
		if c.Title != "" {
			i.Title = c.Title
		}
		if c.Investigation != "" {
			i.Investigation = c.Investigation
		}
		ended := c.Status == workflows.Resolved || c.Status == workflows.Closed || c.Status == workflows.Failed
		if ended && i.ClosedAt.IsZero() {
			i.ClosedAt = time.Now().UTC()
		}
	}))
}

// OpenInvestigation stores a request with the actions its fix may use, and with what looked like it before.
func (a *Incidents) OpenInvestigation(ctx context.Context, r investigation.Request) error {
	past, err := recall(ctx, a.DB, r)
	if err != nil {
		return err
	}
	r.Actions, r.Past = a.Actions, past
	return a.DB.CreateInvestigation(ctx, r)
}

// EndInvestigation marks an investigation that could not conclude.
func (a *Incidents) EndInvestigation(ctx context.Context, in workflows.EndInput) error {
	if err := a.DB.SetInvestigationStatus(ctx, in.Investigation, workflows.InvestigationFailed); err != nil {
		return final(err)
	}
	return a.DB.Audit(ctx, "midwatch", "investigation.fail", in.Investigation, "failed", in.Reason)
}

// UpdateFix sets how a fix stands.
func (a *Incidents) UpdateFix(ctx context.Context, c workflows.FixChange) error {
	return final(a.DB.SetFixStatus(ctx, c.Fix, c.Status, c.Result))
}

// AuditRefused records an approval that did not count.
func (a *Incidents) AuditRefused(ctx context.Context, r workflows.Refusal) error {
	return a.DB.Audit(ctx, r.Approval.Approver, decision(r.Approval), r.Fix, "refused",
		fmt.Sprintf("%s (approval of fix %s, digest %s)", r.Reason, r.Approval.Fix, r.Approval.Digest))
}

// decision is what the audit log calls an approval or rejection that reached a Remediation.
func decision(a investigation.Approval) string {
	if a.Approved {
		return "fix.apply"
	}
	return "fix.reject"
}
