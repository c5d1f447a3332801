package main

import (
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/sandbox/analyst/model"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// TestTheLeastContextHoldsEveryTool: what the configuration accepts leaves a third of the prompt for evidence, with every tool there is.
func TestTheLeastContextHoldsEveryTool(t *testing.T) {
	registry := tools.All(nil, append([]tools.Tool{tools.DeployedCode(nil, code.Sources{})}, tools.Code(nil)...)...)
	var offered []llm.Tool
	for _, name := range registry.Names() {
		tool, err := registry.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		offered = append(offered, llm.Tool{Name: tool.Name, Description: tool.Description, Schema: tool.Schema})
	}
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	const answer = 4096
	for context, fits := range map[int]bool{answer + llm.MinPrompt*2/3: true, answer + 4000: false} {
		_, err := model.Step(contract.ModelRequest{
			Transcript: investigation.Transcript{Request: investigation.Request{Fault: investigation.Window{From: now.Add(-time.Minute), To: now}}, Now: now},
			Stage:      contract.Investigate, Model: "m", Context: context, MaxTokens: answer, AsksLeft: 2, Tools: offered,
		})
		if (err == nil) != fits {
			t.Errorf("%d tools in a context of %d: %v", len(offered), context, err)
		}
	}
}
