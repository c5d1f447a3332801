package main

import (
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const scanQuery = "SELECT id, name, price FROM products WHERE category = $1 ORDER BY id LIMIT $2"

// missingIndex is the story of a dropped index.
func missingIndex(incident string, onset time.Time) story {
	s := begin(incident, onset, investigation.Trigger{
		ID: "alert-" + incident, Kind: investigation.Alert, Rule: "latency p95", Service: "catalog", Entity: telemetry.Service("catalog"),
		Severity: investigation.Critical, Summary: "catalog p95 is 412 ms, threshold 150 ms", Value: 412, Threshold: 150,
	})
	s.turns = []turn{
		{say: "Comparing 02:14:10 to 02:14:40 with healthy time before, and looking for changes.", calls: []call{
			comparisonCall(s, slowComparison(s)), changesCall(s), edgesCall(), hostCall(),
		}},
		{say: "It seems to begin at postgres; asking what would tell the causes apart.", calls: []call{
			processCall(), statementsCall(), spansCall(s), logsCall(s), healthCall(s),
		}},
		{say: "Statements on products by category scan the table: its index is gone."},
	}
	s.report = missingIndexReport(s)
	s.fix = &investigation.Fix{
		Action: "create-index", Kind: investigation.CreateIndex, Target: "table/shop/products", Why: "The slow statement finds rows by category.",
		Parameters: map[string]string{"table": "products", "column": "category"}, Content: `CREATE INDEX ON "products" ("category")`,
		Preconditions: map[string]string{"table_exists": "products"},
	}
	s.ending = "awaiting_approval"
	return s
}

func missingIndexReport(s story) investigation.Report {
	return investigation.Report{
		Verdict: investigation.RootCause, Title: "Statements on products by category scan the table: its index is gone",
		Culprit: telemetry.Table("shop", "products"), Mechanism: investigation.MissingIndex, Confidence: 0.92, Analyst: "builtin/1",
		Onset: s.incident.Triggers[0].Onset,
		Summary: "Since 02:14:20, looking up products by category takes 37 times as long as before and other statements of postgres do not: " +
			"the pattern of a missing index on products(category). catalog waits for it, and gateway for catalog.",
		Chain: []investigation.Claim{
			{ID: "c1", Text: "SELECT statements on products that look for category take 168 ms instead of 4.5 ms (median) at postgres itself.", Evidence: []string{"e6"}, Checks: []investigation.Check{
				{Expression: `any([x for x in ev["e6"]["statements"] if x["database"] == "postgres" and x["collection"] == "products" and x["slow"] and x["p50_ratio"] >= 4])`, Holds: true, Counts: true},
			}},
			{ID: "c2", Text: "It is asked no more often than before (11.8 per second, before 12.1).", Evidence: []string{"e6"}, Checks: []investigation.Check{
				{Expression: `any([x for x in ev["e6"]["statements"] if x["database"] == "postgres" and x["rate_ratio"] <= 2])`, Holds: true, Note: "also true on the healthy window"},
			}},
			{ID: "c3", Text: "postgres uses 1.31 cores, before 0.19: it reads and compares rows, it does not wait.", Evidence: []string{"e4"}, Checks: []investigation.Check{
				{Expression: `any([x for x in ev["e4"]["services"] if x["service"] == "postgres" and x["cpu"]["fault"] - x["cpu"]["healthy"] >= 0.15])`, Holds: true, Counts: true},
			}},
			{ID: "c4", Text: "postgres was restarted just before.", Evidence: []string{"e2"}, Struck: "its only check does not hold", Checks: []investigation.Check{
				{Expression: `any([x for x in ev["e2"]["starts"] if x["service"] == "postgres"])`, Note: "false on the evidence"},
			}},
			{ID: "c5", Text: "catalog answers slowly because it waits for postgres, and gateway because it waits for catalog.", Evidence: []string{"e1", "e3"}, Checks: []investigation.Check{
				{Expression: `any([x["slow"] for x in ev["e1"]["edges"] if x["from"] == "catalog" and x["to"] == "postgres"])`, Holds: true, Counts: true},
			}},
		},
		RuledOut: []investigation.RuledOut{
			{Entity: "service/cart", Why: "as fast as before, and on no slow path.", Evidence: []string{"e1"}},
			{Entity: "host/node-1", Why: "CPU has room: 61% busy, little waiting.", Evidence: []string{"e4"}},
		},
		Missing: []string{"the statement's plan, which would show the scan itself"},
	}
}

func comparisonCall(s story, c result.Comparison) call {
	return call{
		tool: "compare_windows", why: "Which services, operations and calls differ from healthy time?", data: c,
		summary:   "3 of 6 services differ: postgres slow, catalog slow, gateway slow",
		query:     "SELECT service, count() AS requests, countIf(error) AS errors, quantilesTDigest(0.5, 0.95, 0.99)(duration) AS q\nFROM spans\nWHERE environment = 'demo' AND side = 'server' AND time >= {from:DateTime64(9)} AND time < {to:DateTime64(9)}\nGROUP BY service\nORDER BY requests DESC",
		arguments: map[string]any{"from": s.request.Fault.From, "to": s.request.Fault.To, "baseline_from": s.request.Healthy.From, "baseline_to": s.request.Healthy.To},
	}
}

func changesCall(s story) call {
	at := s.request.Fault.From
	return call{
		tool: "recent_changes", why: "What was deployed, started, stopped or killed around the onset?", query: "SELECT … FROM events WHERE …",
		summary: "1 deployment (cart configuration), 1 start, 1 exit",
		data: result.Changes{
			Deployments: []result.Deployment{{
				Time: at.Add(-4 * time.Minute), Service: "cart", Kind: "configuration", File: "/etc/shop/cart.yaml",
				Detail: "--- cart.yaml\n+++ cart.yaml\n@@ -3,3 +3,3 @@\n redis: 127.0.0.1:6379\n-log_level: debug\n+log_level: info\n",
			}},
			Starts:   []result.Lifecycle{{Time: at.Add(-4 * time.Minute), Service: "cart", PID: "41877", Executable: "/opt/shop/cart", Instance: "node-1/41877/9912"}},
			Exits:    []result.Lifecycle{{Time: at.Add(-4 * time.Minute), Service: "cart", PID: "40102", Executable: "/opt/shop/cart", ExitCode: "0"}},
			OOMKills: []result.Lifecycle{},
		},
	}
}
