package activities

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/rules"
	"github.com/midwatch/midwatch/workflows"
)

// Detector looks for trouble in an environment's telemetry. A condition that lasts is returned every time, under the same id.
type Detector interface {
	Alerts(ctx context.Context, now time.Time) ([]investigation.Trigger, error)
	// RuleStates is what became of the rules that people wrote when Alerts looked last.
	RuleStates() rules.States
	Anomalies(ctx context.Context, now time.Time) ([]investigation.Trigger, error)
	Deployments(ctx context.Context, now time.Time) ([]investigation.Trigger, error)
	KernelEvents(ctx context.Context, now time.Time) ([]investigation.Trigger, error)
	// Still returns the alerts and anomalies that hold at now, measured against a healthy time however long ago, and the kernel
	// events since a moment.
	Still(ctx context.Context, healthy investigation.Window, since, now time.Time) ([]investigation.Trigger, error)
	// Holding evaluates the alert rules of these names, as triggers carry them, that people wrote: the triggers of those that hold at now,
	// and of others why they could not be evaluated. A rule that is there no more is in neither.
	Holding(ctx context.Context, rules []string, now time.Time) ([]investigation.Trigger, map[string]error, error)
	// Served counts the requests that each service was seen to answer from a time to now.
	Served(ctx context.Context, from, now time.Time) (map[string]uint64, error)
}

// Detect runs the detector for the scans and to see whether a fix helped.
type Detect struct {
	Detector    Detector
	DB          RecoveryStore
	Environment string // the detector's; a schedule of another one, which an installation had before, finds nothing
	Log         *slog.Logger

	told told
}

// RecoveryStore is what Detect needs of the metadata store.
type RecoveryStore interface {
	Incident(ctx context.Context, id string) (investigation.Incident, error)
	Investigation(ctx context.Context, id string) (metadata.Investigation, error)
	StoreRuleStates(ctx context.Context, environment string, s rules.States) error
}

var _ RecoveryStore = (*metadata.DB)(nil)

// Alerts evaluates the alert rules, and keeps what became of those that people wrote.
func (a *Detect) Alerts(ctx context.Context, r workflows.ScanRequest) ([]investigation.Trigger, error) {
	found, err := a.find(ctx, r, a.Detector.Alerts)
	if err == nil && r.Environment == a.Environment {
		a.tell(ctx, a.Detector.RuleStates())
	}
	return found, err
}

// Anomalies looks for what no rule was written for.
func (a *Detect) Anomalies(ctx context.Context, r workflows.ScanRequest) ([]investigation.Trigger, error) {
	return a.find(ctx, r, a.Detector.Anomalies)
}

// Deployments looks for new executables, arguments and configurations.
func (a *Detect) Deployments(ctx context.Context, r workflows.ScanRequest) ([]investigation.Trigger, error) {
	return a.find(ctx, r, a.Detector.Deployments)
}

// KernelEvents looks for OOM kills and crash loops.
func (a *Detect) KernelEvents(ctx context.Context, r workflows.ScanRequest) ([]investigation.Trigger, error) {
	return a.find(ctx, r, a.Detector.KernelEvents)
}

// find returns what one detector found as far as it fits into a payload, the most severe first; a later scan finds the rest.
func (a *Detect) find(ctx context.Context, r workflows.ScanRequest, look func(context.Context, time.Time) ([]investigation.Trigger, error)) ([]investigation.Trigger, error) {
	if r.Environment != a.Environment {
		return nil, nil
	}
	found, err := look(ctx, r.Now)
	ts := make([]investigation.Trigger, len(found))
	for i, t := range found {
		ts[i] = t.Bounded()
	}
	kept, _ := workflows.Fit(ts, len(ts), workflows.MaxFound)
	return kept, err
}

// seenWithin is how fresh the requests must be that a service answers, before its silence about errors means anything.
const seenWithin = 30 * time.Second

// Recovery asks whether the conditions that raised an incident are gone, measured against the healthy time before it, and
// what is new since the fix. Nothing is gone while nothing is seen: a service that raised an alert must be seen to answer.
// Deployments are left out: a fix is often one itself.
func (a *Detect) Recovery(ctx context.Context, in workflows.RecoveryInput) (workflows.Recovery, error) {
	incident, err := a.DB.Incident(ctx, in.Incident)
	if err != nil {
		return workflows.Recovery{}, final(err)
	}
	inv, err := a.DB.Investigation(ctx, incident.Investigation)
	if err != nil {
		return workflows.Recovery{}, final(err)
	}
	incident.Triggers, err = a.mine(ctx, incident, inv.Request.Triggers)
	if err != nil {
		return workflows.Recovery{}, err
	}
	var r workflows.Recovery
	if r.Firing, err = a.firing(ctx, incident.Triggers, inv.Request.Healthy, in); err != nil {
		return workflows.Recovery{}, err
	}
	if r.New, err = a.begun(ctx, incident.Triggers, in); err != nil {
		return workflows.Recovery{}, err
	}
	r.Summary = recoverySummary(r)
	return r, nil
}

// mine leaves out what a cluster complained of while an incident was looked into, and what got an incident of its own since: its report named
// another cause, and so its fix mends something else.
func (a *Detect) mine(ctx context.Context, incident investigation.Incident, asked []investigation.Trigger) ([]investigation.Trigger, error) {
	var out []investigation.Trigger
	for _, t := range incident.Triggers {
		late := !slices.ContainsFunc(asked, func(o investigation.Trigger) bool { return o.ID == t.ID })
		if t.Kind == investigation.ClusterEvent && late {
			id := workflows.IncidentID(incident.Environment, t.ID)
			other, err := a.DB.Incident(ctx, id)
			if err != nil && !errors.Is(err, metadata.ErrNotFound) {
				return nil, final(err)
			}
			if err == nil && other.ID == id && id != incident.ID {
				continue
			}
		}
		out = append(out, t)
	}
	return out, nil
}

// firing says which of an incident's conditions hold, or cannot be judged.
func (a *Detect) firing(ctx context.Context, triggers []investigation.Trigger, healthy investigation.Window, in workflows.RecoveryInput) ([]string, error) {
	still, err := a.Detector.Still(ctx, healthy, in.Since, in.Now)
	if err != nil {
		return nil, fmt.Errorf("compare with the healthy time: %w", err)
	}
	var firing []string
	for _, t := range still {
		if among(triggers, t) {
			firing = append(firing, t.Summary)
		}
	}
	written, err := a.holding(ctx, triggers, in.Now)
	if err != nil {
		return nil, err
	}
	firing = append(firing, written...)
	from := in.Now.Add(-seenWithin)
	if in.Since.After(from) {
		from = in.Since
	}
	served, err := a.Detector.Served(ctx, from, in.Now)
	if err != nil {
		return nil, fmt.Errorf("look for requests: %w", err)
	}
	for _, t := range triggers {
		unseen := t.Service + " was not seen to answer any request since the fix"
		if t.Kind == investigation.Alert && !rules.IsAlert(t.Rule) && t.Service != "" && served[t.Service] == 0 && !slices.Contains(firing, unseen) {
			firing = append(firing, unseen)
		}
	}
	return firing, nil
}

// holding says which rules that people wrote still hold for what raised an incident, or cannot be evaluated: then nobody knows that it is over.
func (a *Detect) holding(ctx context.Context, triggers []investigation.Trigger, now time.Time) ([]string, error) {
	var names []string
	for _, t := range triggers {
		if rules.IsAlert(t.Rule) && !slices.Contains(names, t.Rule) {
			names = append(names, t.Rule)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	still, unknown, err := a.Detector.Holding(ctx, names, now)
	if err != nil {
		return nil, fmt.Errorf("evaluate alert rules: %w", err)
	}
	var firing []string
	for _, t := range still {
		if among(triggers, t) {
			firing = append(firing, t.Summary)
		}
	}
	for _, name := range names {
		if why := unknown[name]; why != nil {
			firing = append(firing, fmt.Sprintf("%s cannot be evaluated: %v", name, why))
		}
	}
	return firing, nil
}

// begun says which alerts are not of the incident and began after the fix.
func (a *Detect) begun(ctx context.Context, triggers []investigation.Trigger, in workflows.RecoveryInput) ([]string, error) {
	now, err := a.Detector.Alerts(ctx, in.Now)
	if err != nil {
		return nil, fmt.Errorf("evaluate alerts: %w", err)
	}
	var begun []string
	for _, t := range now {
		if !among(triggers, t) && t.Onset.After(in.Since) {
			begun = append(begun, t.Summary)
		}
	}
	return begun, nil
}

// among tells whether a trigger is about the same condition as one of several.
func among(triggers []investigation.Trigger, t investigation.Trigger) bool {
	return slices.ContainsFunc(triggers, func(o investigation.Trigger) bool { return sameCondition(o, t) })
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
