package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/midwatch/midwatch/activities/action"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/workflows"
)

// FixStore is what Prepare needs of the metadata store.
type FixStore interface {
	Investigation(ctx context.Context, id string) (metadata.Investigation, error)
	EvidenceList(ctx context.Context, investigationID string) ([]investigation.Evidence, error)
	Fix(ctx context.Context, id string) (investigation.Fix, error)
	ListFixes(ctx context.Context, limit int) ([]investigation.Fix, error)
	PutFix(ctx context.Context, f investigation.Fix) error
	PastStore
}

var _ FixStore = (*metadata.DB)(nil)

// Prepare makes a report's draft an exact fix.
type Prepare struct {
	DB      FixStore
	Actions []investigation.Action
	Quorum  investigation.Quorum
	// SameCulprit is how long after an incident was resolved another one of the same culprit and mechanism gets no fix of its
	// own; 0: 2 min, negative: never.
	SameCulprit time.Duration
}

// sameCulprit is SameCulprit unless the configuration says otherwise.
const sameCulprit = 2 * time.Minute

// lately is how many of the newest fixes, and of what age, are searched for one that does the same.
const (
	lately     = 200
	latelyLast = time.Hour // a Remediation that somebody terminated leaves its fix waiting for ever
)

// Fix validates the draft of an investigation's report and stores the fix. A draft that does not fit is no error: the
// returned reference says why. Once stored, the same fix is returned.
func (a *Prepare) Fix(ctx context.Context, id string) (workflows.FixRef, error) {
	return a.prepare(ctx, id, a.exact)
}

// prepare is Fix with what makes a draft exact.
func (a *Prepare) prepare(ctx context.Context, id string, exact func(metadata.Investigation, []investigation.Evidence) (investigation.Fix, error)) (workflows.FixRef, error) {
	stored, err := a.DB.Fix(ctx, workflows.FixID(id))
	if err == nil {
		return fixRef(stored), nil
	}
	if !errors.Is(err, metadata.ErrNotFound) {
		return workflows.FixRef{}, err
	}
	inv, err := a.DB.Investigation(ctx, id)
	if err != nil {
		return workflows.FixRef{}, final(err)
	}
	if inv.Report == nil || inv.Report.Fix == nil {
		return workflows.FixRef{Invalid: "the report proposes no fix"}, nil
	}
	evidence, err := a.DB.EvidenceList(ctx, id)
	if err != nil {
		return workflows.FixRef{}, err
	}
	fix, err := exact(inv, evidence)
	if errors.Is(err, action.ErrDraft) || errors.Is(err, action.ErrGone) {
		return workflows.FixRef{Invalid: err.Error()}, nil
	}
	if err != nil {
		return workflows.FixRef{}, err
	}
	return a.offer(ctx, inv, fix)
}

// offer stores a fix for approval, unless one that does the same is under way, or the same culprit has just had one.
func (a *Prepare) offer(ctx context.Context, inv metadata.Investigation, fix investigation.Fix) (workflows.FixRef, error) {
	if needed := a.Quorum.Needed(fix.Kind); needed > 1 {
		fix.Needed = needed
	}
	fix.Digest = fix.ContentDigest()
	if other, err := a.offered(ctx, fix); err != nil {
		return workflows.FixRef{}, err
	} else if other != "" {
		return workflows.FixRef{Invalid: "the same fix is under way already, with incident " + other}, nil
	}
	if other, err := recurring(ctx, a.DB, inv, cmp.Or(a.SameCulprit, sameCulprit)); err != nil {
		return workflows.FixRef{}, err
	} else if other != "" {
		return workflows.FixRef{Invalid: "it has the culprit and mechanism of incident " + other}, nil
	}
	if err := a.DB.PutFix(ctx, fix); err != nil {
		return workflows.FixRef{}, err
	}
	return fixRef(fix), nil
}

// offered returns the incident of a fix that does the same and has not ended: nobody shall decide twice about one thing.
func (a *Prepare) offered(ctx context.Context, fix investigation.Fix) (string, error) {
	fixes, err := a.DB.ListFixes(ctx, lately)
	if err != nil {
		return "", err
	}
	for _, f := range fixes {
		open := f.Status == workflows.FixAwaiting || f.Status == workflows.FixApplying || f.Status == workflows.FixApplied
		if open && fix.CreatedAt.Sub(f.CreatedAt) < latelyLast && f.Environment == fix.Environment && f.Target == fix.Target && does(f) == does(fix) {
			return f.Incident, nil
		}
	}
	return "", nil
}

// does is what two fixes have in common that do the same. A difference of a cluster's object may hold the time.
func does(f investigation.Fix) string {
	if f.Cluster != nil {
		summary, _, _ := strings.Cut(f.Content, "\n")
		return summary
	}
	return f.Content
}

func (a *Prepare) exact(inv metadata.Investigation, evidence []investigation.Evidence) (investigation.Fix, error) {
	draft := *inv.Report.Fix
	named, err := action.Find(a.Actions, draft.Action)
	if err != nil {
		return investigation.Fix{}, err
	}
	plan, err := action.New(named, draft.Parameters)
	if err != nil {
		return investigation.Fix{}, err
	}
	if err := plan.Ready(); err != nil {
		return investigation.Fix{}, err
	}
	if err := known(named, draft.Parameters, inv, evidence); err != nil {
		return investigation.Fix{}, err
	}
	fix := investigation.Fix{
		ID: workflows.FixID(inv.Request.ID), Incident: inv.Request.Incident, Investigation: inv.Request.ID,
		Environment: inv.Request.Environment, Action: named.Name, Kind: named.Kind, Parameters: draft.Parameters,
		Content: plan.String(), Preconditions: preconditions(named.Kind, plan), Target: target(named, draft.Parameters, *inv.Report),
		Why: draft.Why, CreatedAt: time.Now().UTC().Truncate(time.Microsecond), Status: workflows.FixAwaiting,
	}
	return fix, nil
}

// known refuses a service that nobody has seen: neither in a trigger nor in any evidence. The report's word is not enough: it
// may have read the name in a log line.
func known(named investigation.Action, parameters map[string]string, inv metadata.Investigation, evidence []investigation.Evidence) error {
	for _, p := range named.Parameters {
		name := parameters[p.Name]
		if p.Type == investigation.ServiceParameter && !triggered(inv.Request.Triggers, name) && !witnessed(evidence, name) {
			return fmt.Errorf("%w: service %s was not seen in environment %s", action.ErrDraft, name, inv.Request.Environment)
		}
	}
	return nil
}

// preconditions are what must still be true when the fix is applied, besides that its action reads the same.
func preconditions(kind investigation.ActionKind, p action.Plan) map[string]string {
	if p.Process == nil {
		all := map[string]string{"action": "the configured action is unchanged"}
		if kind == investigation.RollbackVersion || kind == investigation.RollbackConfig {
			all["service"] = "nothing of it was deployed since the fix was prepared" // Deployments.StillFits
		}
		return all
	}
	return map[string]string{
		"pid": fmt.Sprint(p.Process.PID), "start_ticks": fmt.Sprint(p.Process.StartTicks), "executable": p.Process.Executable,
	}
}

// target is the entity a fix acts on: the service it names, or else the culprit.
func target(named investigation.Action, parameters map[string]string, r investigation.Report) string {
	for _, p := range named.Parameters {
		if p.Type == investigation.ServiceParameter {
			return string(telemetry.Service(parameters[p.Name]))
		}
	}
	return string(r.Culprit)
}

// fixRef names a fix. Of one that shows a difference it holds the first line: the difference may be long.
func fixRef(f investigation.Fix) workflows.FixRef {
	ref := workflows.FixRef{ID: f.ID, Incident: f.Incident, Digest: f.Digest, Target: f.Target, Content: f.Content, Needed: f.Needed}
	if f.PullRequest != nil || f.Cluster != nil {
		ref.Content, _, _ = strings.Cut(f.Content, "\n")
	}
	ref.PullRequest = f.PullRequest != nil
	return ref
}
