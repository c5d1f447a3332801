package main

import (
	"log/slog"
	"os"
	"testing"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
)

// TestEvaluationKeepsToOwnKeys: naming the installation's provider does not lead around keys of one's own, listed first.
func TestEvaluationKeepsToOwnKeys(t *testing.T) {
	entry := func(kind, name string) llm.ProviderConfig {
		server, err := llmtest.Listen(kind, "127.0.0.1:0", llmtest.Sequence(llmtest.Say("hi")))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Close)
		e, err := server.Entry(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		e.Name = name
		return e
	}
	in := &installation{settings: defaults(), log: slog.New(slog.DiscardHandler)}
	in.settings.Data, in.settings.Worker.Analyst = t.TempDir(), os.Args[0]
	own, shared := entry(llm.KindBedrock, "own"), entry(llm.KindAnthropic, "shared")
	own.Environment = in.settings.Environment
	in.settings.AI.Providers = []llm.ProviderConfig{own, shared}
	if err := in.prepare(); err != nil {
		t.Fatal(err)
	}
	meta, err := in.metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer meta.Close()
	if err := meta.PutAIPolicy(t.Context(), llm.Policy{
		Environment: in.settings.Environment, Enabled: true, Providers: []string{"own", "shared"},
		Confirmed: []llm.Confirmation{{Provider: "own", Terms: own.Terms}, {Provider: "shared", Terms: shared.Terms}},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := in.evaluation(t.Context(), "shared"); llm.KindOf(err) != llm.Off {
		t.Errorf("shared may be asked: %v", err)
	}
	if err := os.Remove(shared.KeyFile); err != nil { // whose key is not this one's to read
		t.Fatal(err)
	}
	if _, err := in.evaluation(t.Context(), "own"); err != nil {
		t.Errorf("own may not be asked: %v", err)
	}
	if _, err := in.evaluation(t.Context(), investigation.AnalystBuiltin); err != nil {
		t.Errorf("the built-in analyst needs a key: %v", err)
	}
}
