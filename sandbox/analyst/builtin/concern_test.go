package builtin

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// TestWhatHasNothingToDoWithItIsNotBlamed: an alarm of one application is not explained by the louder trouble of another, though a prober
// calls them both; what the application calls is.
func TestWhatHasNothingToDoWithItIsNotBlamed(t *testing.T) {
	c := chain(60, 5, 31)
	c.Services[1].Failing, c.Edges[0].Failing = true, true
	loud := change(60, 3000, 1500, 40, true)
	c.Services = append(c.Services, result.ServiceChange{Service: "elsewhere", Change: loud})
	for _, to := range []string{"checkout", "payment", "elsewhere"} {
		c.Edges = append(c.Edges, result.EdgeChange{From: "prober", To: to, Protocol: "http", Change: loud})
	}
	for service, culprit := range map[string]string{"checkout": "payment", "elsewhere": "elsewhere"} {
		alarm := []investigation.Trigger{{Kind: investigation.Alert, Rule: "error_ratio", Service: service, Onset: noon}}
		r := asked(t, alarm, map[string]any{"compare_windows": c})
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if r.Culprit != telemetry.Service(culprit) {
			t.Errorf("alarm of %s: %s %s %q", service, r.Verdict, r.Culprit, r.Title)
		}
		if service == "checkout" && strings.Contains(string(text), "elsewhere") {
			t.Errorf("alarm of %s speaks of elsewhere: %s", service, text)
		}
	}
}

// TestALeakElsewhereIsNotBlamed: what the kernel kills hurts itself and its callers; an alarm of a service that does not call it has another
// cause, whatever else ails.
func TestALeakElsewhereIsNotBlamed(t *testing.T) {
	killed := result.Changes{OOMKills: []result.Lifecycle{{Time: noon.Add(time.Second), Service: "elsewhere"}}}
	full := result.ProcessResources{Processes: []result.Process{{
		Service: "elsewhere", LimitBytes: 100e6, MemoryMax: 99e6, MemoryFirst: 20e6, MemoryLast: 99e6, GrowthPerS: 1e6, MemoryBytes: result.Pair{Fault: 80e6, Healthy: 20e6},
	}}}
	for service, blamed := range map[string]bool{"payment": false, "cron": false, "elsewhere": true, "front": true} {
		c := chain(60, 5, 31)
		c.Edges = append(c.Edges, result.EdgeChange{From: "front", To: "elsewhere", Protocol: "http", Change: change(60, 300, 0, 0, false)})
		alarm := []investigation.Trigger{{Kind: investigation.Alert, Rule: "latency", Service: service, Onset: noon}}
		r := asked(t, alarm, map[string]any{"compare_windows": c, "recent_changes": killed, "process_resources": full})
		if got := r.Culprit == telemetry.Service("elsewhere"); got != blamed {
			t.Errorf("alarm of %s: %s %s %q", service, r.Verdict, r.Culprit, r.Title)
		}
	}
}

// TestAWrongAddressElsewhereIsNotBlamed: whoever calls where nobody listens hurts itself and its callers; an alarm of a service without a call
// to it, as one that has no calls at all, has another cause.
func TestAWrongAddressElsewhereIsNotBlamed(t *testing.T) {
	for service, blamed := range map[string]bool{"compiler": false, "checkout": true, "front": true} {
		c, refused := chain(60, 5, 5), change(60, 4, 4, 9, true)
		refused.Healthy, refused.New = result.Measure{}, true
		c.Edges = append(c.Edges,
			result.EdgeChange{From: "checkout", Address: "10.96.0.9:80", Protocol: "tcp", Change: refused},
			result.EdgeChange{From: "front", To: "checkout", Protocol: "http", Change: change(60, 300, 0, 0, false)})
		alarm := []investigation.Trigger{{Kind: investigation.Alert, Rule: "rule/memory", Service: service, Onset: noon}}
		r := asked(t, alarm, map[string]any{"compare_windows": c})
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(text), "where nobody listens"); got != blamed {
			t.Errorf("alarm of %s: %s %s %q", service, r.Verdict, r.Culprit, r.Title)
		}
	}
}
