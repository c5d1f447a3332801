package builtin

import (
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// slowed is a service that takes 60 ms instead of 10 by itself, ten times a second.
func slowed(service string) result.ServiceChange {
	c := change(60, 600, 0, 0, false)
	c.Slow, c.LatencyZ, c.P50Ratio, c.P95Ratio = true, 9, 6, 6
	c.Fault.MeanMS, c.Fault.P50MS, c.Fault.P95MS = 60, 60, 120
	return result.ServiceChange{Service: service, Change: c, SelfMS: result.Pair{Fault: 60, Healthy: 10}}
}

// TestWhoWaitsForACoreIsNotBlamed: a service that is slow because its machine is busy is not its own cause, and neither is what was changed of it; one
// that takes the CPU itself is, and so is a change of how much it may have.
func TestWhoWaitsForACoreIsNotBlamed(t *testing.T) {
	pair := func(fault, healthy float64) result.Pair { return result.Pair{Fault: fault, Healthy: healthy} }
	usage := func(service string, cpu, delay float64) result.ServiceUsage {
		return result.ServiceUsage{Service: service, CPU: pair(cpu, 0.1), RunDelay: pair(delay, 0.005)}
	}
	env := result.Deployment{
		Time: noon.Add(-5 * time.Second), Service: "cart.shop", Kind: telemetry.ChangeEnv, Before: "A=1", After: "A=2",
		Namespace: "shop", Object: "Deployment/cart", Workload: "deployment/cart",
	}
	resources, probes := env, env
	resources.Kind, probes.Kind = telemetry.ChangeResources, telemetry.ChangeProbes
	for _, c := range []struct {
		name       string
		changes    []result.Deployment
		busy       float64
		cpu, delay float64 // of the service
		others     int     // that wait
		sure       bool
		says       string
	}{
		{"nothing waits", nil, 0.3, 0.1, 0.005, 0, true, "by itself"},
		{"all wait", nil, 0.95, 0.1, 0.4, 2, false, "waits for a core 40% of the time"},
		{"it takes the CPU", nil, 0.95, 1.5, 0.4, 2, true, "by itself"},
		{"it waits for less than it is slow", nil, 0.95, 0.1, 0.05, 2, true, "by itself"},
		{"it alone waits", nil, 0.95, 0.1, 0.4, 0, true, "by itself"},
		{"the machine is idle", nil, 0.3, 0.1, 0.4, 2, true, "by itself"},
		{"its environment", []result.Deployment{env}, 0.3, 0.1, 0.005, 0, true, "environment"},
		{"its environment while all wait", []result.Deployment{env}, 0.95, 0.1, 0.4, 2, false, "The best guess"},
		{"its CPU while all wait", []result.Deployment{resources}, 0.95, 0.1, 0.4, 2, true, "resources of cart.shop are wrong"},
		{"its probes", []result.Deployment{probes}, 0.3, 0.1, 0.005, 0, true, "by itself"},
		{"its probes while all wait", []result.Deployment{probes}, 0.95, 0.1, 0.4, 2, false, "waits for a core"},
	} {
		hosts := result.HostResources{Hosts: []result.Host{{Host: "n1", CPUBusy: pair(c.busy, 0.3)}}, Services: []result.ServiceUsage{usage("cart.shop", c.cpu, c.delay)}}
		for _, other := range []string{"a.other", "b.other"}[:c.others] {
			hosts.Services = append(hosts.Services, usage(other, 0.1, 0.4))
		}
		alarm := []investigation.Trigger{{Kind: investigation.Alert, Rule: "latency", Service: "cart.shop", Onset: noon}}
		r := asked(t, alarm, map[string]any{
			"compare_windows": result.Comparison{Services: []result.ServiceChange{slowed("cart.shop")}}, "host_resources": hosts,
			"recent_changes": result.Changes{Deployments: c.changes},
		})
		told := r.Title + "\n" + r.Summary + "\n" + strings.Join(r.Missing, "\n")
		for _, claim := range r.Chain {
			told += "\n" + claim.Text
		}
		if (r.Verdict == investigation.RootCause) != c.sure || !strings.Contains(told, c.says) {
			t.Errorf("%s: %s %.2f\n%s", c.name, r.Verdict, r.Confidence, told)
		}
	}
}

// TestWhatIsSlowEverywhereIsNobodysOwn: where services that have nothing to do with each other become slow together, neither one of them is blamed nor what was changed of it,
// unless it takes what they lack.
func TestWhatIsSlowEverywhereIsNobodysOwn(t *testing.T) {
	env := result.Deployment{
		Time: noon.Add(-5 * time.Second), Service: "cart.shop", Kind: telemetry.ChangeEnv, Before: "A=1", After: "A=2",
		Namespace: "shop", Object: "Deployment/cart", Workload: "deployment/cart",
	}
	failing := slowed("c.other")
	failing.Failing = true
	for _, c := range []struct {
		name   string
		others []result.ServiceChange
		cpu    float64
		sure   bool
		says   string
	}{
		{"nobody else", nil, 0.1, true, "environment"},
		{"two others", []result.ServiceChange{slowed("a.other"), slowed("b.other")}, 0.1, true, "environment"},
		{"three others", []result.ServiceChange{slowed("a.other"), slowed("b.other"), slowed("c.other")}, 0.1, false, "a.other, b.other and c.other, which have nothing to do with cart.shop"},
		{"three others, for what it takes", []result.ServiceChange{slowed("a.other"), slowed("b.other"), slowed("c.other")}, 1.5, true, "environment"},
		{"one of three fails", []result.ServiceChange{slowed("a.other"), slowed("b.other"), failing}, 0.1, true, "environment"},
	} {
		alarm := []investigation.Trigger{{Kind: investigation.Alert, Rule: "latency", Service: "cart.shop", Onset: noon}}
		r := asked(t, alarm, map[string]any{
			"compare_windows": result.Comparison{Services: append(c.others, slowed("cart.shop"))},
			"host_resources":  result.HostResources{Services: []result.ServiceUsage{{Service: "cart.shop", CPU: result.Pair{Fault: c.cpu, Healthy: 0.1}}}},
			"recent_changes":  result.Changes{Deployments: []result.Deployment{env}},
		})
		told := r.Title + "\n" + r.Summary + "\n" + strings.Join(r.Missing, "\n")
		for _, claim := range r.Chain {
			told += "\n" + claim.Text
		}
		if (r.Verdict == investigation.RootCause) != c.sure || !strings.Contains(told, c.says) {
			t.Errorf("%s: %s %.2f\n%s", c.name, r.Verdict, r.Confidence, told)
		}
	}
}
