package builtin

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// asked is the last turn of an investigation of the minute from noon, with these results.
func asked(t *testing.T, triggers []investigation.Trigger, results map[string]any) investigation.Report {
	t.Helper()
	tr := investigation.Transcript{
		Request:  investigation.Request{Triggers: triggers, Fault: investigation.Window{From: noon, To: noon.Add(time.Minute)}},
		LastTurn: true, Now: noon.Add(time.Hour),
	}
	for tool, r := range results {
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		tr.Evidence = append(tr.Evidence, investigation.Evidence{ID: "e-" + tool, Tool: tool, Result: b})
	}
	step, err := Step(tr)
	if err != nil || step.Report == nil {
		t.Fatalf("%+v, %v", step, err)
	}
	return *step.Report
}

func measure(seconds float64, requests, errors uint64) result.Measure {
	return result.Measure{
		Requests: requests, RatePerS: float64(requests) / seconds, Errors: errors, ErrorRatio: float64(errors) / float64(requests),
		MeanMS: 10, P50MS: 10, P95MS: 20,
	}
}

// change is of a minute that was compared with healthy seconds.
func change(healthy float64, requests, errors uint64, z float64, failing bool) result.Change {
	return result.Change{
		Fault: measure(60, requests, errors), Healthy: measure(healthy, uint64(float64(requests)*healthy/60), 0), ErrorZ: z, Failing: failing,
		RateRatio: 1, P50Ratio: 1, P95Ratio: 1,
	}
}

// chain is checkout, which fails beyond doubt, and payment behind it, whose failures are as many and just miss the threshold.
func chain(healthy, z float64, payment uint64) result.Comparison {
	below := change(healthy, 300, payment, z, false)
	return result.Comparison{
		Services: []result.ServiceChange{
			{Service: "checkout", Change: change(healthy, 320, 32, 4.1, true), CallErrors: result.Pair{Fault: float64(payment) / 320}},
			{Service: "payment", Change: below},
		},
		Edges: []result.EdgeChange{{From: "checkout", To: "payment", Protocol: "http", Change: below}},
	}
}

var question = []investigation.Trigger{{Kind: investigation.Manual, Rule: "manual", Onset: noon}}

// TestACauseIsNotLessDoubtedThanItsEffect: the numbers of the service behind may just miss what singles out a service, its caller
// is the effect nevertheless; and what little was recorded before makes it no verdict.
func TestACauseIsNotLessDoubtedThanItsEffect(t *testing.T) {
	for healthy, verdict := range map[float64]investigation.Verdict{24: investigation.Inconclusive, 60: investigation.RootCause} {
		r := asked(t, question, map[string]any{"compare_windows": chain(healthy, 3.638, 31)})
		if r.Verdict != verdict || verdict == investigation.RootCause && r.Culprit != telemetry.Service("payment") {
			t.Errorf("%.0f s: %s %s %.2f %q", healthy, r.Verdict, r.Culprit, r.Confidence, r.Title)
		}
		if !strings.Contains(r.Title+r.Summary, "payment") || strings.Contains(r.Title+r.Summary, "checkout began to fail by itself") {
			t.Errorf("%.0f s: %q %q", healthy, r.Title, r.Summary)
		}
		short := slices.ContainsFunc(r.Missing, func(m string) bool { return strings.HasPrefix(m, "healthy time: only 24 s") })
		if short != (healthy == 24) {
			t.Errorf("%.0f s: missing %q", healthy, r.Missing)
		}
	}
}

// TestByItselfIsSaidOfWhatItsCallsDoNotExplain: a service whose calls fail as often as it does is never said to fail by itself, even
// if the other end shows nothing.
func TestByItselfIsSaidOfWhatItsCallsDoNotExplain(t *testing.T) {
	c := chain(60, 0, 0)
	c.Edges[0].Change, c.Services[0].CallErrors.Fault = change(60, 300, 31, 4, true), 31./320
	r := asked(t, question, map[string]any{"compare_windows": c})
	if r.Verdict != investigation.Inconclusive || strings.Contains(r.Summary, "by itself") || !strings.Contains(r.Summary, "calls to payment") {
		t.Errorf("calls fail: %s %q", r.Verdict, r.Summary)
	}
	c = chain(60, 0, 0)
	r = asked(t, question, map[string]any{"compare_windows": c})
	if r.Verdict != investigation.RootCause || r.Culprit != telemetry.Service("checkout") || !strings.Contains(r.Title, "by itself") {
		t.Errorf("calls are well: %s %s %q", r.Verdict, r.Culprit, r.Title)
	}
}

// TestCPUAlarmWithoutRequests: where nobody answers requests, the report says what the CPU did, who else used it, and what is missing.
func TestCPUAlarmWithoutRequests(t *testing.T) {
	alarm := []investigation.Trigger{{Kind: investigation.Anomaly, Rule: "cpu_starvation", Service: "cruncher", Onset: noon}}
	hosts := result.HostResources{
		Hosts: []result.Host{{Host: "h", CPUBusy: result.Pair{Fault: 1, Healthy: 0.2}}},
		Services: []result.ServiceUsage{
			{Service: "cruncher", CPU: result.Pair{Fault: 1.8, Healthy: 0.1}},
			{Service: "indexer", CPU: result.Pair{Fault: 0.3, Healthy: 0.4}, RunDelay: result.Pair{Fault: 0.4, Healthy: 0.001}},
		},
		Processes: []result.Process{{Service: "cruncher", PID: "77", Executable: "/opt/cruncher", CPU: result.Pair{Fault: 1.8}}},
	}
	r := asked(t, alarm, map[string]any{"compare_windows": result.Comparison{}, "host_resources": hosts})
	text := r.Title + r.Summary
	for _, c := range r.Chain {
		text += c.Text
	}
	for _, want := range []string{"cruncher uses 1.80 cores", "/opt/cruncher, process 77", "indexer (0.30 cores, before 0.40)", "wait for a core"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q: %s", want, text)
		}
	}
	if r.Verdict != investigation.Inconclusive || len(r.Missing) != 2 || r.Culprit != "" {
		t.Errorf("%s %s, missing %q", r.Verdict, r.Culprit, r.Missing)
	}
	well := result.Comparison{Services: []result.ServiceChange{{Service: "api", Change: change(60, 300, 0, 0, false)}}}
	if r = asked(t, alarm, map[string]any{"compare_windows": well, "host_resources": hosts}); r.Verdict != investigation.NoProblem {
		t.Errorf("with healthy requests: %s %q", r.Verdict, r.Title)
	}
}
