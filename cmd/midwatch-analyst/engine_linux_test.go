package main

import (
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/sandbox"
	"github.com/midwatch/midwatch/sandbox/contract"
	"github.com/midwatch/midwatch/sandbox/native"
)

func TestItStepsInsideTheSandbox(t *testing.T) {
	program := filepath.Join(t.TempDir(), "midwatch-analyst")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	engine, err := native.New(native.Config{Program: program, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	a, err := engine.Run(t.Context(), contract.Request{Step: &investigation.Transcript{
		Request: investigation.Request{Fault: investigation.Window{From: now.Add(-time.Minute), To: now}}, Now: now,
	}})
	if errors.Is(err, sandbox.ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if a.Step == nil || len(a.Step.Calls) != 4 {
		t.Errorf("got %+v, want the first turn's four questions", a)
	}
	a, err = engine.Run(t.Context(), contract.Request{Model: &contract.ModelRequest{
		Transcript: investigation.Transcript{Request: investigation.Request{Fault: investigation.Window{From: now.Add(-time.Minute), To: now}}, Now: now},
		Stage:      contract.Investigate, Model: "m", Context: 32000, MaxTokens: 1000, AsksLeft: 1,
	}})
	if err != nil || a.Model == nil || a.Model.Ask == nil {
		t.Errorf("got %+v, %v, want the first question to a model", a, err)
	}
	a, err = engine.Run(t.Context(), contract.Request{Program: &contract.ProgramRequest{
		Source: `result = sum([x["n"] for x in ev["e1"]["rows"]])`, Evidence: map[string]json.RawMessage{"e1": json.RawMessage(`{"rows":[{"n":3},{"n":4}]}`)},
	}})
	if err != nil || a.Program == nil || string(a.Program.Result) != "7" {
		t.Errorf("got %+v, %v, want what the program came to", a, err)
	}
	_, err = engine.Run(t.Context(), contract.Request{Program: &contract.ProgramRequest{Source: "x = []\nfor i in range(60):\n    x.append(\"a\" * 10000000 + str(i))\nresult = len(x)"}})
	if !errors.Is(err, sandbox.ErrStep) {
		t.Errorf("a program that fills the memory: %v", err)
	}
	a, err = engine.Run(t.Context(), contract.Request{Reply: &contract.AnswerRequest{Question: "was cart slow?", Running: true}})
	if err != nil || a.Reply == nil || a.Reply.Text == "" {
		t.Errorf("got %+v, %v, want an answer of the built-in analyst", a, err)
	}
}
