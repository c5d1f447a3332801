package main

import (
	"bytes"
	"testing"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm/injection"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// TestHostileReportOnATerminal: nothing of a report acts there, whatever got into its texts.
func TestHostileReportOnATerminal(t *testing.T) {
	const evil = "see https://a.example/x \x1b]8;;http://b/\x1b\\\x1b[2J\x07www.c.example \u202etxt\u202c pay\u200bment\u2028 javascript:x"
	report := investigation.Report{
		Verdict: investigation.RootCause, Title: evil, Summary: evil, Culprit: telemetry.Entity(evil), Mechanism: evil, Analyst: evil, Missing: []string{evil},
		Chain:    []investigation.Claim{{ID: "c1", Text: evil, Evidence: []string{"e1"}}, {ID: "c2", Text: evil, Struck: evil}},
		RuledOut: []investigation.RuledOut{{Entity: telemetry.Entity(evil), Why: evil}},
	}
	inv := wire.InvestigationDetail{
		ID: "inv-1", Investigation: metadata.Investigation{Report: &report},
		Fixes: []investigation.Fix{{Action: "restart", Status: "awaiting_approval", Content: "/bin/restart payment", Why: evil}},
	}
	var out bytes.Buffer
	writeInvestigation(&out, inv)
	writeTurn(&out, investigation.Turn{Say: evil, Calls: []investigation.ToolCall{{Tool: "search_logs", Why: evil}}})
	for name, find := range map[string]func(string) []string{"links": injection.Links, "hidden characters": injection.Hidden} {
		if found := find(out.String()); len(found) > 0 {
			t.Errorf("%s: %q in\n%s", name, found, out.String())
		}
	}
}
