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
	const analysts = "github.com/midwatch/midwatch/sandbox/analyst/"
	if !slices.Contains(packages, analysts+"builtin") || !slices.Contains(packages, analysts+"model") {
		t.Fatal("the list of packages lacks an analyst")
	}
	exactly := []string{"net", "net/http", "crypto/tls", "database/sql", "plugin", "log/syslog"}
	within := []string{
		"anthropic", "openai", "aws-sdk", "smithy", "bedrock", "clickhouse", "temporal", "nats-io", "nats.go", "google.golang.org/grpc", "golang.org/x/net/http",
		"midwatch/internal/store", "midwatch/internal/metadata", "midwatch/internal/auth", "midwatch/internal/llm/", "midwatch/activities", "midwatch/workflows",
	}
	for _, p := range packages {
		if slices.Contains(exactly, p) || slices.ContainsFunc(within, func(part string) bool { return strings.Contains(p, part) }) {
			t.Errorf("it is built with %s", p)
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
	asked := contract.ModelRequest{Transcript: transcript, Stage: contract.Investigate, Model: "m", Context: 32000, MaxTokens: 1000, AsksLeft: 1}
	if a := answer(contract.Request{Model: &asked}); a.Error != "" || a.Model == nil || a.Model.Ask == nil {
		t.Errorf("a model's first step is a question to it, got %+v", a)
	}
	asked.Context = 1200
	if a := answer(contract.Request{Model: &asked}); a.Error == "" {
		t.Errorf("a context too small for anything must be an error, got %+v", a)
	}
	if a := answer(contract.Request{}); a.Error == "" {
		t.Error("an empty request must be an error")
	}
}
