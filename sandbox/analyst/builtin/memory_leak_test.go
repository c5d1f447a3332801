package builtin

import (
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// TestALeakIsNotBlamedOnProbes: a rollout that changed how a workload is asked whether it is well cannot make it grow.
func TestALeakIsNotBlamedOnProbes(t *testing.T) {
	rollout := func(minutes int, kind, before, after string) result.Deployment {
		return result.Deployment{
			Time: noon.Add(-time.Duration(minutes) * time.Minute), Service: "cart.shop", Kind: kind, Before: before, After: after,
			Namespace: "shop", Object: "Deployment/cart", Workload: "deployment/cart",
		}
	}
	image, probes := rollout(20, telemetry.ChangeImage, "cart:1", "cart:2"), rollout(5, telemetry.ChangeProbes, "3", "5")
	workload := telemetry.Workload("shop", "deployment/cart")
	alarm := []investigation.Trigger{{Kind: investigation.Anomaly, Rule: investigation.RuleMemoryGrowth, Service: "cart.shop", Onset: noon}}
	grows := result.ProcessResources{Processes: []result.Process{{
		Service: "cart.shop", MemoryBytes: result.Pair{Fault: 90e6, Healthy: 40e6}, MemoryFirst: 40e6, MemoryLast: 98e6, MemoryMax: 98e6, LimitBytes: 100e6, GrowthPerS: 1e6,
	}}}
	for _, c := range []struct {
		name    string
		changes []result.Deployment
		culprit telemetry.Entity
		says    string
	}{
		{"an image", []result.Deployment{image}, workload, "cart:1"},
		{"probes", []result.Deployment{probes}, telemetry.Service("cart.shop"), ""},
		{"an image, then probes", []result.Deployment{image, probes}, workload, "cart:1"},
	} {
		r := asked(t, alarm, map[string]any{
			"compare_windows": result.Comparison{}, "process_resources": grows, "recent_changes": result.Changes{Deployments: c.changes},
		})
		if r.Culprit != c.culprit || !strings.Contains(r.Summary, c.says) || strings.Contains(r.Title+r.Summary, "probes") {
			t.Errorf("%s: %s, %q: %s", c.name, r.Culprit, r.Title, r.Summary)
		}
	}
}
