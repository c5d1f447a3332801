package activities

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/result"
	"github.com/midwatch/midwatch/workflows"
)

// oneFix is a store that holds one fix.
type oneFix struct{ fix investigation.Fix }

func (f oneFix) Fix(context.Context, string) (investigation.Fix, error) { return f.fix, nil }

func TestStillFits(t *testing.T) {
	made := time.Date(2026, 3, 4, 3, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		kind investigation.ActionKind
		seen []result.Deployment
		want string
	}{
		"nothing happened":         {kind: investigation.RollbackVersion},
		"what it takes back":       {kind: investigation.RollbackVersion, seen: []result.Deployment{{Service: "till", Kind: "executable", Time: made.Add(-time.Minute)}}},
		"another service":          {kind: investigation.RollbackVersion, seen: []result.Deployment{{Service: "cart", Kind: "executable", Time: made.Add(time.Hour)}}},
		"a newer version":          {kind: investigation.RollbackVersion, seen: []result.Deployment{{Service: "till", Kind: "executable", Time: made.Add(time.Hour)}}, want: "executable of till changed at 2026-03-04T04:00:00Z"},
		"a newer configuration":    {kind: investigation.RollbackConfig, seen: []result.Deployment{{Service: "till", Kind: "configuration", Time: made.Add(time.Hour)}}, want: "configuration of till"},
		"a restart takes all back": {kind: investigation.RestartAction, seen: []result.Deployment{{Service: "till", Kind: "executable", Time: made.Add(time.Hour)}}},
	} {
		t.Run(name, func(t *testing.T) {
			fix := investigation.Fix{ID: "f", Environment: "test", Kind: c.kind, Target: string(telemetry.Service("till")), CreatedAt: made}
			registry := tools.New(tools.Tool{
				Name: "recent_changes", Schema: json.RawMessage(`{"type":"object"}`),
				Run: func(_ context.Context, _ tools.Scope, arguments json.RawMessage) (tools.Result, error) {
					if !strings.Contains(string(arguments), made.Format(time.RFC3339)) {
						t.Errorf("looked at %s", arguments)
					}
					return tools.Result{Data: result.Changes{Deployments: c.seen}}, nil
				},
			})
			var suite testsuite.WorkflowTestSuite
			env := suite.NewTestActivityEnvironment()
			d := &Deployments{DB: oneFix{fix}, Registry: registry}
			env.RegisterActivity(d.StillFits)
			v, err := env.ExecuteActivity(d.StillFits, workflows.DeployedInput{Fix: "f", To: made.Add(20 * time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			var why string
			if err := v.Get(&why); err != nil || (why == "") != (c.want == "") || !strings.HasPrefix(why, c.want) {
				t.Errorf("got %q, %v; want %q", why, err, c.want)
			}
		})
	}
}
