package builtin

import (
	"encoding/json"
	"strings"
	"testing"

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
