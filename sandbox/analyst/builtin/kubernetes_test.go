package builtin

import (
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// TestOnlyTheLastRolloutIsTakenBack: a rollback goes back by one rollout.
func TestOnlyTheLastRolloutIsTakenBack(t *testing.T) {
	change := func(minute int, service, kind string) result.Deployment {
		return result.Deployment{Time: noon.Add(time.Duration(minute) * time.Minute), Service: service, Kind: kind, Namespace: "shop", Workload: "deployment/cart"}
	}
	image, env := change(1, "cart.shop", telemetry.ChangeImage), change(1, "cart.shop", telemetry.ChangeEnv)
	config := change(2, "cart.shop", telemetry.ChangeConfiguration)
	for _, c := range []struct {
		name  string
		all   []result.Deployment
		blame result.Deployment
		want  bool
	}{
		{"the only one", []result.Deployment{image}, image, true},
		{"one of two of a rollout", []result.Deployment{image, env}, image, true},
		{"a ConfigMap changed since", []result.Deployment{image, config}, image, true},
		{"another's rollout since", []result.Deployment{image, change(3, "web.shop", telemetry.ChangeImage)}, image, true},
		{"rolled out since", []result.Deployment{image, change(3, "cart.shop", telemetry.ChangeProbes)}, image, false},
		{"a ConfigMap", []result.Deployment{image, config}, config, false},
	} {
		f := &facts{changes: &result.Changes{Deployments: c.all}}
		f.req.Actions = []investigation.Action{{
			Name: "undo", Kind: investigation.RollbackWorkload, Parameters: []investigation.Parameter{{Name: "workload"}},
		}}
		if got := f.takeBack(workload{"shop", "deployment/cart"}, c.blame, "it was well"); (got != nil) != c.want {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}
