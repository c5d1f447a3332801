package api_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/midwatch/midwatch/api"
	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

// TestReplay: an investigation that has ended is started again with the same request, under a new name, by who was asked for.
func TestReplay(t *testing.T) {
	in := start(t, func(c *api.Config) { c.Providers = []llm.ProviderConfig{{Name: "mine"}, {Name: "another"}} })
	in.fix()
	ctx, operator := t.Context(), in.as(auth.Operator)
	if _, err := operator.Replay(ctx, "inv-1", "builtin"); !errors.Is(err, client.ErrConflict) {
		t.Errorf("it runs: %v", err)
	}
	must(t, in.db.SetInvestigationStatus(ctx, "inv-1", metadata.Concluded))
	if _, err := operator.Replay(ctx, "inv-2", "builtin"); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("no such investigation: %v", err)
	}
	if _, err := operator.Replay(ctx, "inv-1", "mine"); !errors.Is(err, client.ErrConflict) {
		t.Errorf("AI is off: %v", err)
	}
	var unknown *client.Error
	if _, err := operator.Replay(ctx, "inv-1", "oracle"); !errors.As(err, &unknown) || unknown.Status != http.StatusUnprocessableEntity {
		t.Errorf("nobody of that name: %v", err)
	}
	must(t, in.db.PutAIPolicy(ctx, llm.Policy{Environment: environment, Enabled: true, Providers: []string{"mine"}}))
	if _, err := operator.Replay(ctx, "inv-1", "another"); !errors.Is(err, client.ErrConflict) {
		t.Errorf("a provider that is not listed: %v", err)
	}
	if n := len(in.temporal.all()); n != 0 {
		t.Fatalf("%d workflows were started", n)
	}
	var full *client.Error
	for _, of := range []string{"builtin", "mine"} {
		made := get(operator.Replay(ctx, "inv-1", of))(t).Investigation
		again := get(operator.Replay(ctx, "inv-1", of))(t).Investigation
		r := get(in.db.Investigation(ctx, made))(t).Request
		if made == again || r.Replays != "inv-1" || r.Analyst != of || r.Requester != "operator person" || r.Incident != "inc-1" {
			t.Errorf("%s, %s: %+v", made, again, r)
		}
		must(t, in.db.SetInvestigationStatus(ctx, made, metadata.Concluded))
		second := get(operator.Replay(ctx, made, of))(t).Investigation
		third := get(operator.Replay(ctx, made, of))(t).Investigation
		if _, err := operator.Replay(ctx, made, of); !errors.As(err, &full) || full.Status != http.StatusTooManyRequests {
			t.Errorf("a fourth at once: %v", err)
		}
		for _, id := range []string{again, second, third} {
			must(t, in.db.SetInvestigationStatus(ctx, id, metadata.Concluded))
		}
		if r := get(in.db.Investigation(ctx, second))(t).Request; r.Replays != "inv-1" {
			t.Errorf("a replay of a replay reads the evidence of %s", r.Replays)
		}
	}
	started := in.temporal.all()
	input, ok := started[0].arg.(workflows.InvestigationInput)
	if len(started) != 8 || started[0].started != workflows.InvestigationWorkflow || !ok || started[0].workflow != workflows.InvestigationWorkflowID(environment, input.ID) {
		t.Errorf("started %+v", started)
	}
	if !in.audited("operator person", "investigations.replay", "allowed") {
		t.Error("not audited")
	}
	in.temporal.Lock()
	in.temporal.down = true
	in.temporal.Unlock()
	if _, err := operator.Replay(ctx, "inv-1", investigation.AnalystBuiltin); err == nil {
		t.Error("started without Temporal")
	}
}
