package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/result"
	"github.com/midwatch/midwatch/workflows"
)

// Deployments looks in telemetry whether a merged fix runs.
type Deployments struct {
	DB interface {
		Fix(ctx context.Context, id string) (investigation.Fix, error)
	}
	Registry *tools.Registry
}

var _ = Deployments{DB: (*metadata.DB)(nil)}

// Since lists what of a fix's service ran in a span of time: its commits as deployed_code tells them or, where it tells none,
// the deployments that were seen.
func (a *Deployments) Since(ctx context.Context, in workflows.DeployedInput) ([]workflows.Deployed, error) {
	defer alive(ctx)()
	fix, err := a.DB.Fix(ctx, in.Fix)
	if err != nil {
		return nil, final(err)
	}
	service := telemetry.Entity(fix.Target).Name()
	ran, err := ask[result.DeployedCode](ctx, a.Registry, "deployed_code", fix.Environment, in, service)
	if err != nil {
		return nil, err
	}
	var out []workflows.Deployed
	for _, v := range ran.Versions {
		if v.Commit != "" {
			out = append(out, workflows.Deployed{Commit: v.Commit, At: v.First})
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	changes, err := ask[result.Changes](ctx, a.Registry, "recent_changes", fix.Environment, in, service)
	for _, d := range changes.Deployments {
		if d.Kind == "executable" || d.Kind == telemetry.ChangeImage {
			out = append(out, workflows.Deployed{At: d.Time})
		}
	}
	return out, err
}

// StillFits says why a fix that takes a service back no longer fits: something of the service was changed after the fix was
// prepared, and that would be taken back instead. "" is that it fits.
func (a *Deployments) StillFits(ctx context.Context, in workflows.DeployedInput) (string, error) {
	defer alive(ctx)()
	fix, err := a.DB.Fix(ctx, in.Fix)
	if err != nil {
		return "", final(err)
	}
	if fix.Kind != investigation.RollbackVersion && fix.Kind != investigation.RollbackConfig {
		return "", nil
	}
	in.From = fix.CreatedAt
	service := telemetry.Entity(fix.Target).Name()
	changes, err := ask[result.Changes](ctx, a.Registry, "recent_changes", fix.Environment, in, service)
	if err != nil {
		return "", err
	}
	for _, d := range changes.Deployments {
		if d.Service == service && d.Time.After(fix.CreatedAt) {
			return fmt.Sprintf("%s of %s changed at %s, after this fix was prepared; investigate again", d.Kind, service, d.Time.UTC().Format(time.RFC3339)), nil
		}
	}
	return "", nil
}

// ask runs a tool about a service.
func ask[T any](ctx context.Context, r *tools.Registry, name, environment string, in workflows.DeployedInput, service string) (out T, err error) {
	tool, err := r.Get(name)
	if err != nil {
		return out, refused(err)
	}
	arguments, err := json.Marshal(map[string]any{"service": service, "from": in.From.UTC(), "to": in.To.UTC().Add(time.Millisecond)})
	if err != nil {
		return out, err
	}
	found, err := tool.Run(ctx, tools.Scope{Environment: environment}, arguments)
	if err != nil {
		return out, fmt.Errorf("run tool %s: %w", name, err)
	}
	b, err := json.Marshal(found.Data)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(b, &out)
}
