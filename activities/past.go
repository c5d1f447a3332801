package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

// PastStore is what is asked about incidents of the past.
type PastStore interface {
	PastInvestigations(ctx context.Context, environment string, limit int) ([]metadata.Past, error)
	Incident(ctx context.Context, id string) (investigation.Incident, error)
	FixesOf(ctx context.Context, incident string) ([]investigation.Fix, error)
	EvidenceList(ctx context.Context, investigationID string) ([]investigation.Evidence, error)
}

var _ PastStore = (*metadata.DB)(nil)

const (
	remembered = 100 // newest investigations that are searched
	hints      = 3   // incidents that a request carries
	alikeFrom  = 0.5
)

// recall finds past incidents with a known cause that look like the one of a request, the most alike first.
func recall(ctx context.Context, db PastStore, r investigation.Request) ([]investigation.PastIncident, error) {
	all, err := db.PastInvestigations(ctx, r.Environment, remembered)
	if err != nil {
		return nil, err
	}
	var found []investigation.PastIncident
	for _, p := range all {
		score := alike(r.Triggers, p)
		if p.Request.ID == r.ID || p.Report.Verdict != investigation.RootCause || score < alikeFrom {
			continue
		}
		found = append(found, investigation.PastIncident{
			Incident: p.Request.Incident, Investigation: p.Request.ID, Title: p.Report.Title, Culprit: p.Report.Culprit,
			Mechanism: p.Report.Mechanism, At: p.Request.Fault.From, Alike: score,
		})
	}
	slices.SortStableFunc(found, func(a, b investigation.PastIncident) int { return cmp.Compare(b.Alike, a.Alike) })
	found = found[:min(len(found), hints)]
	for i := range found {
		if err := ended(ctx, db, &found[i]); err != nil {
			return nil, err
		}
		evidence, err := db.EvidenceList(ctx, found[i].Investigation)
		if err != nil {
			return nil, err
		}
		found[i].DataTypes = derived(evidence)
	}
	return found, nil
}

// derived are the data types of a report: those of all evidence it could be written from, and of the alarms.
func derived(evidence []investigation.Evidence) []investigation.DataType {
	types := []investigation.DataType{investigation.Metrics}
	for _, e := range evidence {
		types = append(types, e.DataTypes...)
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// ended fills in how a past incident ended.
func ended(ctx context.Context, db PastStore, p *investigation.PastIncident) error {
	i, err := db.Incident(ctx, p.Incident)
	if err != nil && !errors.Is(err, metadata.ErrNotFound) {
		return err
	}
	p.Outcome = i.Status
	if !i.OpenedAt.IsZero() {
		p.At = i.OpenedAt
	}
	fixes, err := db.FixesOf(ctx, p.Incident)
	if n := len(fixes); err == nil && n > 0 {
		p.Fix, p.Outcome = short(fixes[n-1].Content), fixes[n-1].Status
	}
	return err
}

// alike is how much a past incident looks like triggers of now: the same services, the same alarms, and a culprit among the
// services of now. Of triggers that share nothing with it, it is 0.
func alike(now []investigation.Trigger, p metadata.Past) float64 {
	services, rules := outline(now)
	pastServices, pastRules := outline(p.Request.Triggers)
	culprit := 0.0
	if services[p.Report.Culprit.Name()] {
		culprit = 1
	}
	return 0.4*overlap(services, pastServices) + 0.4*overlap(rules, pastRules) + 0.2*culprit
}

func outline(ts []investigation.Trigger) (services, rules map[string]bool) {
	services, rules = map[string]bool{}, map[string]bool{}
	for _, t := range ts {
		for _, s := range append([]string{t.Service}, t.Peers...) {
			if s != "" {
				services[s] = true
			}
		}
		if t.Kind != investigation.Manual { // a person's question is no alarm
			rules[t.Rule] = true
		}
	}
	return services, rules
}

// overlap is the part of two sets that they share.
func overlap(a, b map[string]bool) float64 {
	shared := 0
	for k := range a {
		if b[k] {
			shared++
		}
	}
	if all := len(a) + len(b) - shared; all > 0 {
		return float64(shared) / float64(all)
	}
	return 0
}

// recurring returns which incident a report's fix would repeat: one that named the same culprit and mechanism, and whose fix
// is under way or was verified not longer ago than a while. What comes back so soon was not mended by it, and what is
// under way is decided there. "" means none.
func recurring(ctx context.Context, db PastStore, inv metadata.Investigation, within time.Duration) (string, error) {
	if within < 0 || inv.Report.Culprit == "" || inv.Report.Mechanism == "" {
		return "", nil
	}
	all, err := db.PastInvestigations(ctx, inv.Request.Environment, remembered)
	if err != nil {
		return "", err
	}
	for _, p := range all {
		if p.Request.Incident == inv.Request.Incident || p.Report.Culprit != inv.Report.Culprit || p.Report.Mechanism != inv.Report.Mechanism {
			continue
		}
		i, err := db.Incident(ctx, p.Request.Incident)
		if errors.Is(err, metadata.ErrNotFound) {
			continue
		}
		if err != nil {
			return "", err
		}
		since := time.Since(i.ClosedAt)
		switch {
		case i.Status == workflows.Resolved && since < within:
			return fmt.Sprintf("%s, resolved %s ago", i.ID, since.Round(time.Second)), nil
		case i.ClosedAt.IsZero() && time.Since(i.OpenedAt) < latelyLast && decidable(i.Status):
			return i.ID + ", whose fix is under way", nil
		}
	}
	return "", nil
}

// decidable tells whether an incident has a fix that waits or is at work.
func decidable(status string) bool {
	return status == workflows.AwaitingApproval || status == workflows.Applying || status == workflows.Verifying
}
