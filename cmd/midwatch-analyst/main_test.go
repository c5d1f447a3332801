package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/sandbox/contract"
)

func TestTheProgramCannotTalkToAnybody(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	if !slices.Contains(packages, "github.com/midwatch/midwatch/sandbox/analyst/builtin") {
		t.Fatal("the list of packages lacks the built-in analyst")
	}
	for _, p := range packages {
		for _, forbidden := range []string{
			"net", "net/http", "crypto/tls", "database/sql", "plugin", "anthropic", "openai", "aws-sdk", "clickhouse", "temporal", "nats-io",
			"google.golang.org/grpc", "midwatch/internal/store", "midwatch/internal/llm",
		} {
			if p == forbidden || len(forbidden) > 8 && strings.Contains(p, forbidden) || strings.Contains(p, "/"+forbidden+"-sdk") {
				t.Errorf("it is built with %s", p)
			}
		}
	}
}

func TestAnswer(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	transcript := investigation.Transcript{
		Request: investigation.Request{Fault: investigation.Window{From: now.Add(-time.Minute), To: now}}, Now: now,
	}
	if a := answer(contract.Request{Step: &transcript}); a.Step == nil || len(a.Step.Calls) == 0 || a.Error != "" {
		t.Errorf("an empty transcript must lead to questions, got %+v", a)
	}
	transcript.Evidence = []investigation.Evidence{{ID: "e1", Tool: "compare_windows", Result: []byte(`"nonsense"`)}}
	if a := answer(contract.Request{Step: &transcript}); a.Error == "" {
		t.Errorf("evidence that cannot be read must be an error, got %+v", a)
	}
	if a := answer(contract.Request{Check: &contract.CheckRequest{Report: investigation.Report{Verdict: investigation.RootCause}}}); a.Check == nil ||
		a.Check.Report.Verdict != investigation.Inconclusive {
		t.Errorf("a root cause without a check must fall, got %+v", a)
	}
	if a := answer(contract.Request{}); a.Error == "" {
		t.Error("an empty request must be an error")
	}
}
