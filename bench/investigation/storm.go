package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/midwatch/midwatch/activities/starter"
	"github.com/midwatch/midwatch/bench/figure"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// The storm, and how long it may take until it is one incident: from the arrival of the first alert to the start of the
// incident, less the debounce, in which Intake waits for more on purpose.
const (
	stormAlerts   = 500
	stormServices = 60
	stormWithin   = 2.0 // seconds
	stormPatience = time.Minute
)

// storms raises storms, each in an environment of its own, on a real Temporal with the real Intake. What Intake starts
// only notes what it got.
func storms(ctx context.Context, program string, runs int) (figures []figure.Figure, err error) {
	t, err := startTemporal(ctx, program)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.stop()) }()
	started := make(chan workflows.IncidentInput, stormAlerts)
	w := worker.New(t.client, workflows.OrchestrateQueue, worker.Options{})
	w.RegisterWorkflowWithOptions(workflows.Intake, workflow.RegisterOptions{Name: workflows.IntakeWorkflow})
	w.RegisterWorkflowWithOptions(noting(started), workflow.RegisterOptions{Name: workflows.IncidentWorkflow})
	if err := w.Start(); err != nil {
		return nil, fmt.Errorf("start worker: %w", err)
	}
	defer w.Stop()
	most, took := 0, make([]float64, 0, runs)
	for n := range runs {
		incidents, d, err := storm(ctx, t.client, fmt.Sprintf("storm-%d-%s", n, uuid.NewString()[:8]), started)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(os.Stdout, "storm %d: %d alerts over %d services, %d incident(s), complete after %.2f s\n", n+1, stormAlerts, stormServices, incidents, d.Seconds())
		most, took = max(most, incidents), append(took, (d-debounce).Seconds())
	}
	slices.Sort(took)
	return []figure.Figure{
		figure.AtMost(fmt.Sprintf("storm_of_%d_alerts", stormAlerts), float64(most), "investigations", 1),
		figure.AtMost("storm_coalesce_s", took[len(took)-1], "s", stormWithin),
	}, nil
}

// debounce is workflows.Policy's default.
const debounce = 2 * time.Second

// noting is an Incident that notes its input, once, and what it is sent until it is left alone.
func noting(started chan<- workflows.IncidentInput) func(workflow.Context, workflows.IncidentInput) (workflows.IncidentResult, error) {
	var mu sync.Mutex
	noted := map[string]bool{}
	return func(ctx workflow.Context, in workflows.IncidentInput) (workflows.IncidentResult, error) {
		mu.Lock()
		if !noted[in.Workflow] { // not again when it is replayed
			noted[in.Workflow] = true
			started <- in
		}
		mu.Unlock()
		return workflows.IncidentResult{}, workflow.Sleep(ctx, stormPatience)
	}
}

// storm raises all alerts at once and waits until every one is in an incident. It returns how many incidents that took.
func storm(ctx context.Context, c client.Client, environment string, started <-chan workflows.IncidentInput) (incidents int, took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, stormPatience)
	defer cancel()
	began := time.Now()
	for ts := range slices.Chunk(alerts(environment, began), starter.Batch) {
		if err := starter.Raise(ctx, c, environment, workflows.Policy{Concurrent: stormServices}, ts...); err != nil {
			return 0, 0, err
		}
	}
	for arrived := 0; arrived < stormAlerts; {
		select {
		case in := <-started:
			if in.Environment == environment {
				incidents, arrived = incidents+1, arrived+len(in.Triggers)
			}
		case <-ctx.Done():
			return incidents, 0, fmt.Errorf("%d of %d alerts are in %d incidents: %w", arrived, stormAlerts, incidents, ctx.Err())
		}
	}
	return incidents, time.Since(began), nil
}

// alerts are of a chain of services, in an order in which most seem to stand alone at first.
func alerts(environment string, now time.Time) []investigation.Trigger {
	ts := make([]investigation.Trigger, stormAlerts)
	for n := range ts {
		i := n * 7 % stormServices
		service, callee := fmt.Sprintf("service-%02d", i), fmt.Sprintf("service-%02d", min(i+1, stormServices-1))
		ts[n] = investigation.Trigger{
			ID: fmt.Sprintf("alert-%s-%03d", environment, n), Kind: investigation.Alert, Environment: environment,
			Rule: fmt.Sprintf("rule-%d", n/stormServices), Service: service, Peers: []string{callee}, Severity: investigation.Critical,
			Summary: fmt.Sprintf("%s answers 12.5%% of its requests with an error, %s among those it calls", service, callee),
			Onset:   now.Add(-10 * time.Second), At: now,
		}
	}
	return ts
}

// quiet is the log of what is measured.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
