package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/midwatch/midwatch/activities/starter"
	"github.com/midwatch/midwatch/bench/figure"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

// turnWithin is what a turn may take beside its model, in milliseconds.
const turnWithin = 200

// investigationPatience is how long an investigation may take on a busy machine.
const investigationPatience = 5 * time.Minute

// turns runs investigations one after another and looks at them from the model's side: from the end of one answer to the next
// question everything is Midwatch's. That is the answer's ledger entry, the sandboxed step that reads it, the tools it asks for,
// the sandboxed step that writes the next prompt, redaction, and every hop through Temporal in between.
func (in *installation) turns(ctx context.Context, runs int) ([]figure.Figure, error) {
	var took []float64
	where := account{}
	for n := range runs + 1 {
		in.model.reset(0)
		id, err := in.investigate(ctx)
		if err != nil {
			return nil, err
		}
		seen := in.model.seen()
		if len(seen) != modelCalls {
			return nil, fmt.Errorf("the model was asked %d times, want %d", len(seen), modelCalls)
		}
		if n == 0 {
			continue // caches are cold, as they never are again
		}
		if err := in.explain(ctx, id, where); err != nil {
			return nil, err
		}
		for i := range len(seen) - 1 {
			took = append(took, float64(seen[i+1].asked.Sub(seen[i].answered).Microseconds())/1000)
		}
	}
	slices.Sort(took)
	fmt.Fprintf(os.Stdout, "turns: %d of %d investigations; beside the model p50 %.0f ms, p90 %.0f ms, longest %.0f ms\n",
		len(took), runs, took[len(took)/2], took[len(took)*9/10], took[len(took)-1])
	if err := where.write(os.Stdout); err != nil {
		return nil, err
	}
	return []figure.Figure{figure.AtMost("turn_beside_model_p50", took[len(took)/2], "ms", turnWithin)}, nil
}

// investigate starts an investigation, waits until it ended and says what is wrong with it: only a whole one counts.
func (in *installation) investigate(ctx context.Context) (id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, investigationPatience)
	defer cancel()
	r := in.request()
	if err := in.db.CreateInvestigation(ctx, r); err != nil {
		return r.ID, err
	}
	if err := starter.Investigate(ctx, in.temporal, r, "Bench"); err != nil {
		return r.ID, err
	}
	if err := in.temporal.GetWorkflow(ctx, workflows.InvestigationWorkflowID(environment, r.ID), "").Get(ctx, nil); err != nil {
		return r.ID, fmt.Errorf("investigation %s: %w", r.ID, err)
	}
	got, err := in.db.Investigation(ctx, r.ID)
	if err != nil {
		return r.ID, err
	}
	return r.ID, whole(got)
}

// request is what a person's question makes.
func (in *installation) request() investigation.Request {
	id := "inv-" + uuid.NewString()[:8]
	return investigation.Request{
		ID: id, Incident: id, Environment: environment, Question: "Why is the shop slow?", Requester: "bench", Fault: in.fault, Healthy: in.healthy,
		Triggers: []investigation.Trigger{{
			ID: "manual-" + id, Kind: investigation.Manual, Environment: environment, Rule: "manual", Severity: investigation.Warning,
			Summary: "Why is the shop slow?", Onset: in.fault.From, At: in.fault.To,
		}},
		Budget: workflows.Policy{Turns: modelCalls}.Budget(),
	}
}

// whole tells whether the model decided every turn, found its cause and had its questions answered.
func whole(got metadata.Investigation) error {
	if got.Report == nil || got.Report.Verdict != investigation.RootCause || len(got.Turns) != modelCalls {
		return fmt.Errorf("investigation %s has %d turns and the report %+v", got.Request.ID, len(got.Turns), got.Report)
	}
	for _, t := range got.Turns {
		if t.Analyst != investigation.AnalystModel {
			return fmt.Errorf("turn %d of investigation %s is the %s analyst's", t.Number, got.Request.ID, t.Analyst)
		}
	}
	return nil
}
