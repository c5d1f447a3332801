package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	temporal "go.temporal.io/sdk/client"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

// beat is how long each step of a story takes.
const beat = 700 * time.Millisecond

// engine does what the workflows would, by the clock: it investigates what a person asks and carries out what a person
// decides.
type engine struct {
	db *metadata.DB
}

// SignalWorkflow takes a decision on a fix.
func (e *engine) SignalWorkflow(ctx context.Context, _, _, name string, arg any) error {
	a, ok := arg.(investigation.Approval)
	if !ok {
		return fmt.Errorf("signal %s carries %T", name, arg)
	}
	go e.remediate(context.WithoutCancel(ctx), a)
	return nil
}

// CancelWorkflow ends the incident that has begun with a trigger.
func (e *engine) CancelWorkflow(ctx context.Context, workflow, _ string) error {
	incidents, err := e.db.ListIncidents(ctx, 100)
	if err != nil {
		return err
	}
	for _, i := range incidents {
		if len(i.Triggers) == 0 || workflow != workflows.IncidentWorkflowID(environment, i.Triggers[0].ID) {
			continue
		}
		if err := e.db.SetInvestigationStatus(ctx, i.Investigation, metadata.Failed); err != nil {
			return err
		}
		return e.db.UpdateIncident(ctx, i.ID, func(i *investigation.Incident) { i.Status, i.ClosedAt = "closed", time.Now().UTC() })
	}
	return serviceerror.NewNotFound("no such workflow")
}

// SignalWithStartWorkflow takes a manual trigger and investigates it.
func (e *engine) SignalWithStartWorkflow(ctx context.Context, _, name string, arg any, _ temporal.StartWorkflowOptions, _ any, _ ...any) (temporal.WorkflowRun, error) {
	triggers, ok := arg.([]investigation.Trigger)
	if !ok || len(triggers) == 0 {
		return nil, fmt.Errorf("signal %s carries %T", name, arg)
	}
	incident := workflows.IncidentID(environment, triggers[0].ID)
	s := missingIndex(incident, time.Now().Add(-time.Minute))
	s.request.Question, s.request.Triggers = triggers[0].Summary, triggers
	s.request.Requester = triggers[0].Attributes[workflows.RequesterAttribute]
	go func() {
		time.Sleep(2 * beat) // the intake waits, too
		report(s.play(context.WithoutCancel(ctx), e.db, beat))
	}()
	return nil, nil
}

// ExecuteWorkflow refuses: no story here replays an investigation.
func (e *engine) ExecuteWorkflow(context.Context, temporal.StartWorkflowOptions, any, ...any) (temporal.WorkflowRun, error) {
	return nil, errors.New("this server replays nothing")
}

func (e *engine) remediate(ctx context.Context, a investigation.Approval) {
	if !a.Approved {
		report(e.step(ctx, a, "closed", workflows.FixRejected, "Rejected by "+a.Approver))
		return
	}
	report(e.step(ctx, a, "applying", workflows.FixApplying, ""))
	report(e.step(ctx, a, "verifying", workflows.FixApplied, "CREATE INDEX"))
	report(e.step(ctx, a, "resolved", workflows.FixVerified, "Recovered 16s after the fix: catalog answers in 9 ms (p95), no alert fires"))
}

func (e *engine) step(ctx context.Context, a investigation.Approval, incident, fix, result string) error {
	time.Sleep(beat)
	if err := e.db.SetFixStatus(ctx, a.Fix, fix, result); err != nil {
		return err
	}
	return e.db.UpdateIncident(ctx, a.Incident, func(i *investigation.Incident) {
		i.Status = incident
		if incident == "resolved" || incident == "closed" {
			i.ClosedAt = time.Now().UTC()
		}
	})
}
