package main

import (
	"context"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
	"github.com/midwatch/midwatch/workflows"
)

// seed writes the night so far: incidents of every kind, oldest first, and one that is being investigated now.
func seed(ctx context.Context, db *metadata.DB) error {
	now := time.Now()
	for _, s := range []story{
		quiet("inc-3c41d0", now.Add(-26*time.Hour)),
		inconclusive("inc-77e2a9", now.Add(-3*time.Hour)),
		tookOver("inc-9b02d4", now.Add(-95*time.Minute)),
		resolved("inc-a01b5c", now.Add(-47*time.Minute)),
		byModel("inc-b7d9e2", now.Add(-12*time.Minute)),
		missingIndex("inc-e5f210", now.Add(-90*time.Second)),
	} {
		if err := s.play(ctx, db, 0); err != nil {
			return err
		}
	}
	if err := seedModels(ctx, db); err != nil {
		return err
	}
	last := workflows.FixID(workflows.InvestigationID("inc-a01b5c"))
	if err := db.SetFixStatus(ctx, last, workflows.FixVerified, "Recovered 21s after the fix: payment fails 0 of 412 requests"); err != nil {
		return err
	}
	go func() { report(underWay("inc-f00d11", now.Add(-30*time.Second)).play(ctx, db, 20*time.Second)) }()
	return nil
}

func quiet(incident string, onset time.Time) story {
	s := begin(incident, onset, investigation.Trigger{
		ID: "deployment-" + incident, Kind: investigation.Deployment, Rule: "new executable", Service: "cart", Entity: telemetry.Service("cart"),
		Severity: investigation.Info, Summary: "cart runs a new executable",
	})
	s.turns = []turn{{say: "Comparing before and after the deployment.", calls: []call{comparisonCall(s, healthyComparison(s))}}}
	s.report = investigation.Report{
		Verdict: investigation.NoProblem, Title: "The new version of cart behaves as the one before", Confidence: 0.8, Analyst: "builtin/1",
		Summary: "No service differs materially from before the deployment.", Chain: []investigation.Claim{},
	}
	return s
}

func inconclusive(incident string, onset time.Time) story {
	s := begin(incident, onset, investigation.Trigger{
		ID: "anomaly-" + incident, Kind: investigation.Anomaly, Rule: "latency", Service: "gateway", Entity: telemetry.Service("gateway"),
		Severity: investigation.Warning, Summary: "gateway p95 is 84 ms, expected at most 40 ms", Value: 84, Threshold: 40,
	})
	c := comparisonCall(s, healthyComparison(s))
	s.turns = []turn{{say: "Comparing with healthy time before, and looking for changes.", calls: []call{
		c, {tool: "recent_changes", why: "What was deployed, started, stopped or killed around the onset?", failure: "the store did not answer within 30 s"},
	}}}
	s.report = investigation.Report{
		Verdict: investigation.Inconclusive, Title: "gateway was slow for a few seconds, cause unknown", Confidence: 0.2, Analyst: "builtin/1",
		Summary: "The latency was gone before it could be compared.", Chain: []investigation.Claim{{
			ID: "c1", Text: "gateway became slower.", Evidence: []string{"e1"}, Struck: "its only check does not hold",
			Checks: []investigation.Check{{Expression: `any([s["slow"] for s in ev["e1"]["services"] if s["service"] == "gateway"])`, Note: "false on the evidence"}},
		}},
		Missing: []string{"recent changes: the store did not answer", "CPU of the host between 02:11 and 02:12"},
	}
	return s
}

func resolved(incident string, onset time.Time) story {
	s := begin(incident, onset, investigation.Trigger{
		ID: "alert-" + incident, Kind: investigation.Alert, Rule: "error ratio", Service: "payment", Entity: telemetry.Service("payment"),
		Severity: investigation.Critical, Summary: "payment fails 21% of requests", Value: 0.21, Threshold: 0.05,
	})
	s.turns = []turn{{say: "Comparing with healthy time before, and looking for changes.", calls: []call{
		comparisonCall(s, healthyComparison(s)),
		{
			tool: "recent_changes", why: "What was deployed around the onset?", summary: "1 deployment, 1 start, 1 exit", query: "SELECT … FROM events",
			data: result.Changes{Deployments: []result.Deployment{{
				Time: s.request.Fault.From, Service: "payment", Kind: "executable", Before: "9f2c1e7ab04d", After: "d41be60917aa", File: "/opt/shop/payment",
			}}, Starts: []result.Lifecycle{}, Exits: []result.Lifecycle{}, OOMKills: []result.Lifecycle{}},
		},
	}}}
	s.report = investigation.Report{
		Verdict: investigation.RootCause, Title: "The new version of payment fails every fifth request", Culprit: telemetry.Service("payment"),
		Mechanism: investigation.BadDeployment, Confidence: 0.93, Analyst: "builtin/1", Onset: s.request.Fault.From,
		Summary: "payment began to fail seconds after a new executable was deployed; nothing it depends on differs.", Chain: []investigation.Claim{},
	}
	s.fix = &investigation.Fix{
		Action: "rollback-version", Kind: investigation.RollbackVersion, Target: "service/payment", Why: "The version before did not fail.",
		Parameters: map[string]string{"service": "payment"}, Content: "shop ctl rollback-version --dir /var/lib/shop payment",
		Preconditions: map[string]string{"running_version": "d41be60917aa"},
	}
	s.ending = "resolved"
	return s
}

// underWay is a story that is being told.
func underWay(incident string, onset time.Time) story {
	s := missingIndex(incident, onset)
	s.incident.Title, s.incident.Service, s.incident.Severity = "checkout waits 2.4 s for a connection (p95)", "checkout", investigation.Warning
	return s
}
