package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// nasty is what a model, a provider or a log line could hold: terminal sequences, invisible and turning characters, links.
const nasty = "a\x1b[31mb\x1b]8;;https://evil.example\x07c\x1b]8;;\x07\u202ed\u200b\U000e0041\u0085e\rf\nhttps://evil.example"

// wantHarmless looks for what must not reach a terminal.
func wantHarmless(t *testing.T, out string) {
	t.Helper()
	for _, bad := range []string{"\x1b", "\x07", "\r", "\u202e", "\u200b", "\U000e0041", "\u0085"} {
		if strings.Contains(out, bad) {
			t.Errorf("%q reaches the terminal:\n%q", bad, out)
		}
	}
}

func TestModelTextIsHarmlessOnATerminal(t *testing.T) {
	inv := wire.InvestigationDetail{
		ID: "inv-1", Evidence: []investigation.Evidence{{ID: "e1", Summary: nasty}},
		Models: &wire.ModelUse{Calls: 3, Usage: llm.Usage{Input: 1000, Output: 20}, Cost: 12345, Trouble: nasty},
	}
	inv.Turns = []investigation.Turn{{Number: 1, Say: nasty, Calls: []investigation.ToolCall{{Tool: "search_logs", Why: nasty}}}}
	inv.Report = &investigation.Report{
		Verdict: investigation.RootCause, Title: nasty, Summary: nasty, Culprit: telemetry.Entity(nasty), Mechanism: nasty, Analyst: nasty, Missing: []string{nasty},
		Chain:    []investigation.Claim{{Text: nasty, Struck: nasty, Evidence: []string{"e1"}}},
		RuledOut: []investigation.RuledOut{{Entity: telemetry.Entity(nasty), Why: nasty}},
	}
	var out bytes.Buffer
	writeTurn(&out, inv.Turns[0])
	writeInvestigation(&out, inv)
	if strings.Contains(out.String(), "https:") || !strings.Contains(out.String(), "3 model calls, 1020 tokens, $0.0123") {
		t.Errorf("a link, or no cost:\n%s", &out)
	}
	writeFix(&out, investigation.Fix{Content: nasty, Why: nasty, Result: nasty})
	wantHarmless(t, out.String())
	if !strings.Contains(out.String(), `will run    a\x1b[31mb\x1b]8;;https://evil.example\ac`) || !strings.Contains(out.String(), `\u202ed`) {
		t.Errorf("what will run is not shown to the letter:\n%s", &out)
	}
}

func TestTheSeriesOfARuleAreListed(t *testing.T) {
	inv := wire.InvestigationDetail{ID: "inv-1"}
	inv.Report = &investigation.Report{Verdict: investigation.Inconclusive, Title: "deep queues"}
	inv.Request.Triggers = []investigation.Trigger{{
		Kind: investigation.Alert, Summary: "cart is deep (and 2 more series)",
		Attributes: map[string]string{"series": "3", "series.01": `9 {instance="cart/1"}`, "series.02": nasty, "label.service": "cart"},
	}}
	var out bytes.Buffer
	writeInvestigation(&out, inv)
	wantHarmless(t, out.String())
	if !strings.Contains(out.String(), "raised by   cart is deep (and 2 more series)\n              9 {instance=\"cart/1\"}\n") || !strings.Contains(out.String(), "\n              and 1 more\n") {
		t.Errorf("%s", &out)
	}
}

func TestAIStatus(t *testing.T) {
	var out bytes.Buffer
	providers := []wire.Provider{{Name: "ours", Model: "m-1", Account: "platform " + nasty}, {Name: "theirs", Kind: "openai", Unusable: "it is the account of environment prod"}}
	ai := wire.AI{
		Environment: "dev", Enabled: true, Active: true, DataTypes: []investigation.DataType{"logs", "traces"}, UpdatedBy: "mara", UpdatedAt: time.Now(),
		Providers: []wire.ListedProvider{{Name: "ours", Asked: true, ConfirmedBy: "mara", ConfirmedAt: time.Now()}},
	}
	if err := writeAI(&out, ai, providers); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"AI is on in dev", "may see: logs, traces", "NOT LISTED", "environment prod", "Decided by mara"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	wantHarmless(t, out.String())
	out.Reset()
	if err := writeAI(&out, wire.AI{Environment: "dev", Inactive: "it is switched off"}, nil); err != nil || !strings.Contains(out.String(), "Nothing leaves this machine") {
		t.Errorf("off: %v\n%s", err, &out)
	}
}

func TestEnablingShowsTheTerms(t *testing.T) {
	var out bytes.Buffer
	providers := []wire.Provider{{Name: "ours", Model: "m-1", Address: "models.example", Account: "platform", Terms: "no training; kept for 30 days"}}
	change, err := enabling(&out, "dev", providers, []string{"ours"}, []string{"logs"})
	if err != nil || !*change.Enabled || len(change.Confirm) != 1 || change.Confirm[0].Terms != providers[0].Terms || !strings.Contains(out.String(), "no training; kept for 30 days") {
		t.Errorf("%v %+v\n%s", err, change, &out)
	}
	if _, err := enabling(&out, "dev", providers, []string{"nobody"}, nil); err == nil {
		t.Error("an unknown provider")
	}
}

func TestLedgerShowsEveryByte(t *testing.T) {
	body, err := json.Marshal(map[string]string{"text": nasty})
	if err != nil {
		t.Fatal(err)
	}
	e := llm.Entry{
		ID: "019", Call: llm.Call{Investigation: "inv-1", Turn: 2, Ask: 1}, Provider: nasty, Account: nasty, Error: nasty, State: llm.FailedAt, Cost: 1500,
		Request: body, Response: json.RawMessage("{\"a\":\"\u202e\"}"), Redactions: map[string]int{"ip": 2, "secret:" + nasty: 1},
	}
	var out bytes.Buffer
	if err := writeLedgerEntry(&out, e); err != nil {
		t.Fatal(err)
	}
	wantHarmless(t, out.String())
	for _, want := range []string{`"a": "\u202e"`, "https://evil.example", "$0.0015", "ip, 2 times", "has not ended"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	out.Reset()
	if err := writeLedger(&out, wire.Ledger{Entries: []llm.Entry{e}, Next: "x", Days: []wire.LedgerDay{{Day: "2026-03-01", Calls: 1, Cost: 1500}}}); err != nil {
		t.Fatal(err)
	}
	wantHarmless(t, out.String())
	if !strings.Contains(out.String(), "2026-03-01") || !strings.Contains(out.String(), "--limit") {
		t.Errorf("ledger\n%s", &out)
	}
}
