package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/activities/action"
	"github.com/midwatch/midwatch/activities/remedy"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/workflows"
)

// Remedier changes a Kubernetes cluster; *remedy.Cluster is one.
type Remedier interface {
	Prepare(ctx context.Context, kind investigation.ActionKind, parameters map[string]string, at time.Time) (remedy.Planned, error)
	Apply(ctx context.Context, fix string, change investigation.ClusterChange) (string, error)
	Applied(ctx context.Context, fix string, change investigation.ClusterChange) (bool, error)
}

var _ Remedier = (*remedy.Cluster)(nil)

// Remedies makes drafts that change a cluster exact. It is the apply role's, because only that may even try a change dry.
type Remedies struct {
	Prepare
	Cluster Remedier // nil: this worker has no rights in a cluster
}

// Fix is Prepare.Fix for a draft that changes a cluster.
func (a *Remedies) Fix(ctx context.Context, id string) (workflows.FixRef, error) {
	defer alive(ctx)()
	return a.prepare(ctx, id, a.preparer(ctx))
}

func (a *Remedies) preparer(ctx context.Context) func(metadata.Investigation, []investigation.Evidence) (investigation.Fix, error) {
	return func(inv metadata.Investigation, evidence []investigation.Evidence) (investigation.Fix, error) {
		return a.exact(ctx, inv, evidence)
	}
}

func (a *Remedies) exact(ctx context.Context, inv metadata.Investigation, evidence []investigation.Evidence) (investigation.Fix, error) {
	draft := *inv.Report.Fix
	named, err := action.Find(a.Actions, draft.Action)
	if err != nil {
		return investigation.Fix{}, err
	}
	if a.Cluster == nil || !named.Kind.IsRemedy() {
		return investigation.Fix{}, fmt.Errorf("%w: %s is no remedy that this worker may apply", action.ErrDraft, named.Name)
	}
	if err := action.Check(named, draft.Parameters); err != nil {
		return investigation.Fix{}, err
	}
	target, err := remedied(draft.Parameters, inv, evidence)
	if err != nil {
		return investigation.Fix{}, err
	}
	now := time.Now().UTC().Truncate(time.Second)
	planned, err := a.Cluster.Prepare(ctx, named.Kind, draft.Parameters, now)
	if err != nil {
		return investigation.Fix{}, err
	}
	return investigation.Fix{
		ID: workflows.FixID(inv.Request.ID), Incident: inv.Request.Incident, Investigation: inv.Request.ID, Environment: inv.Request.Environment,
		Action: named.Name, Kind: named.Kind, Parameters: draft.Parameters, Content: planned.Summary + "\n\n" + planned.Change.Diff,
		Preconditions: map[string]string{"uid": planned.Change.UID, "specification": "sha256:" + planned.Change.Spec},
		Target:        string(target), Why: draft.Why, Cluster: &planned.Change, CreatedAt: now, Status: workflows.FixAwaiting,
	}, nil
}

// remedied is the workload or node that parameters name. One that nobody has seen is refused: neither a trigger nor a row of any
// evidence is about it. So is one where the requester may not look.
func remedied(parameters map[string]string, inv metadata.Investigation, evidence []investigation.Evidence) (telemetry.Entity, error) {
	entity, namespace, name := telemetry.Host(parameters["node"]), "", parameters["node"]
	if workload := parameters["workload"]; workload != "" {
		namespace, name, _ = strings.Cut(workload, "/")
		entity = telemetry.Workload(namespace, name)
	}
	if within := inv.Request.Namespaces; len(within) > 0 && !slices.Contains(within, namespace) {
		return "", fmt.Errorf("%w: %s is outside of the namespaces of who asked", action.ErrDraft, entity)
	}
	if sighted(evidence, namespace, name) || slices.ContainsFunc(inv.Request.Triggers, func(t investigation.Trigger) bool { return t.Entity == entity }) {
		return entity, nil
	}
	if namespace != "" {
		_, plain, _ := strings.Cut(name, "/")
		if service := telemetry.ServiceOf(namespace, plain); triggered(inv.Request.Triggers, service) || witnessed(evidence, service) {
			return entity, nil
		}
	}
	return "", fmt.Errorf("%w: %s was not seen in environment %s", action.ErrDraft, entity, inv.Request.Environment)
}

// remedy applies a change of a cluster. It carries the fix's id into the object, so that, unlike a command, it may be tried
// again by an activity that was lost in the middle.
func (a *Apply) remedy(ctx context.Context, in workflows.ApplyInput, fix investigation.Fix) (workflows.ApplyResult, error) {
	if a.Cluster == nil || !a.allows(fix) {
		return a.record(ctx, in, workflows.FixFailed, "Not applied: this worker may not do that to a cluster; see docs/kubernetes.md")
	}
	if err := a.DB.SetFixStatus(ctx, fix.ID, workflows.FixApplying, ""); err != nil {
		return a.record(ctx, in, workflows.FixFailed, "Not applied: "+err.Error())
	}
	a.Log.InfoContext(ctx, "change the cluster", "fix", fix.ID, "approver", in.Approval.Approver, "resource", fix.Cluster.Resource,
		"namespace", fix.Cluster.Namespace, "name", fix.Cluster.Name)
	ctx, cancel := context.WithDeadline(ctx, in.Approval.ExpiresAt) // an attempt that is thought lost must not act later
	defer cancel()
	output, err := a.Cluster.Apply(ctx, fix.ID, *fix.Cluster)
	switch {
	case err == nil:
		return a.record(ctx, in, workflows.FixApplied, output)
	case errors.Is(err, remedy.ErrUnclear):
		return a.record(ctx, in, workflows.FixFailed, "The outcome is unknown: "+err.Error())
	case errors.Is(err, remedy.ErrChanged) || errors.Is(err, remedy.ErrRefused):
		return a.record(ctx, in, workflows.FixFailed, "Not applied: "+err.Error())
	}
	return workflows.ApplyResult{}, err // the change may have been made: the next attempt finds it
}

// outcome asks the object what came of an attempt that was lost, once the approval is over and nothing may be changed any more.
func (a *Apply) outcome(ctx context.Context, in workflows.ApplyInput, fix investigation.Fix) (workflows.ApplyResult, error) {
	if a.Cluster == nil {
		return a.record(ctx, in, workflows.FixFailed, unknownOutcome)
	}
	applied, err := a.Cluster.Applied(ctx, fix.ID, *fix.Cluster)
	switch {
	case errors.Is(err, remedy.ErrUnclear) || errors.Is(err, remedy.ErrRefused):
		return a.record(ctx, in, workflows.FixFailed, "The outcome is unknown: "+err.Error())
	case err != nil:
		return workflows.ApplyResult{}, err
	case applied:
		return a.record(ctx, in, workflows.FixApplied, "The change was made; the worker was lost before it said so")
	}
	return a.record(ctx, in, workflows.FixFailed, "Not applied: the worker was lost before it changed anything, and the approval expired before it came back")
}

// allows tells whether the configuration still has the remedy, for these parameters.
func (a *Apply) allows(fix investigation.Fix) bool {
	named, err := action.Find(a.Actions, fix.Action)
	return err == nil && named.Kind == fix.Kind && fix.Kind.IsRemedy() && action.Check(named, fix.Parameters) == nil
}
