package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

// Detector looks for trouble in an environment's telemetry. A condition that lasts is returned every time, under the same id.
type Detector interface {
	Alerts(ctx context.Context, now time.Time) ([]investigation.Trigger, error)
	Anomalies(ctx context.Context, now time.Time) ([]investigation.Trigger, error)
	Deployments(ctx context.Context, now time.Time) ([]investigation.Trigger, error)
	KernelEvents(ctx context.Context, now time.Time) ([]investigation.Trigger, error)
}

// Detect runs the detector for the scans and to see whether a fix helped.
type Detect struct {
	Detector Detector
	DB       interface {
		Incident(ctx context.Context, id string) (investigation.Incident, error)
	}
}

var _ interface {
	Incident(ctx context.Context, id string) (investigation.Incident, error)
} = (*metadata.DB)(nil)

// Alerts evaluates the alert rules.
func (a *Detect) Alerts(ctx context.Context, r workflows.ScanRequest) ([]investigation.Trigger, error) {
	return a.Detector.Alerts(ctx, r.Now)
}

// Anomalies looks for what no rule was written for.
func (a *Detect) Anomalies(ctx context.Context, r workflows.ScanRequest) ([]investigation.Trigger, error) {
	return a.Detector.Anomalies(ctx, r.Now)
}

// Deployments looks for new executables, arguments and configurations.
func (a *Detect) Deployments(ctx context.Context, r workflows.ScanRequest) ([]investigation.Trigger, error) {
	return a.Detector.Deployments(ctx, r.Now)
}

// KernelEvents looks for OOM kills and crash loops.
func (a *Detect) KernelEvents(ctx context.Context, r workflows.ScanRequest) ([]investigation.Trigger, error) {
	return a.Detector.KernelEvents(ctx, r.Now)
}

// Recovery asks the detectors that raised an incident whether its conditions are gone, and what is new since the fix.
// Deployments are left out: a fix is often one itself.
func (a *Detect) Recovery(ctx context.Context, in workflows.RecoveryInput) (workflows.Recovery, error) {
	incident, err := a.DB.Incident(ctx, in.Incident)
	if err != nil {
		return workflows.Recovery{}, final(err)
	}
	now, err := a.present(ctx, incident.Triggers, in.Now)
	if err != nil {
		return workflows.Recovery{}, err
	}
	var r workflows.Recovery
	for _, t := range now {
		switch {
		case t.Kind == investigation.ClusterEvent && t.Onset.Before(in.Since): // it happened, but not again
		case slices.ContainsFunc(incident.Triggers, func(o investigation.Trigger) bool { return sameCondition(o, t) }):
			r.Firing = append(r.Firing, t.Summary)
		case t.Onset.After(in.Since):
			r.New = append(r.New, t.Summary)
		}
	}
	r.Summary = recoverySummary(r)
	return r, nil
}

// present asks for alerts always, and for the other kinds that the incident has.
func (a *Detect) present(ctx context.Context, ts []investigation.Trigger, now time.Time) ([]investigation.Trigger, error) {
	found, err := a.Detector.Alerts(ctx, now)
	if err != nil {
		return nil, fmt.Errorf("evaluate alerts: %w", err)
	}
	more := map[investigation.TriggerKind]func(context.Context, time.Time) ([]investigation.Trigger, error){
		investigation.Anomaly: a.Detector.Anomalies, investigation.ClusterEvent: a.Detector.KernelEvents,
	}
	for kind, detect := range more {
		if !slices.ContainsFunc(ts, func(t investigation.Trigger) bool { return t.Kind == kind }) {
			continue
		}
		also, err := detect(ctx, now)
		if err != nil {
			return nil, fmt.Errorf("look for %s triggers: %w", kind, err)
		}
		found = append(found, also...)
	}
	return found, nil
}

func sameCondition(a, b investigation.Trigger) bool {
	return a.Kind == b.Kind && a.Rule == b.Rule && a.Service == b.Service && a.Entity == b.Entity
}

func recoverySummary(r workflows.Recovery) string {
	if len(r.Firing)+len(r.New) == 0 {
		return "nothing that raised this incident is there any more"
	}
	return strings.Join(append(slices.Clone(r.Firing), r.New...), "; ")
}
