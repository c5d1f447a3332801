package workers_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/midwatch/midwatch/activities/starter"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workers"
	"github.com/midwatch/midwatch/workers/temporaltest"
	"github.com/midwatch/midwatch/workflows"
)

// TestBuildsSideBySide runs two builds of the orchestrate role: only the current one gets workflow tasks, and a workflow that runs
// goes on with the next one once it is promoted.
func TestBuildsSideBySide(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the embedded Temporal; -short leaves it out")
	}
	server := temporaltest.Start(t)
	id, err := pki.Load(server.PKI, pki.Worker)
	if err != nil {
		t.Fatal(err)
	}
	db, err := metadata.Open(t.Context(), metadata.Config{DSN: "sqlite:" + filepath.Join(t.TempDir(), "metadata.db"), Ring: server.Ring})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	run := func(build string) (w *workers.Workers, end func()) {
		ready := make(chan struct{})
		w, err := workers.New(workers.Config{
			Roles: []workers.Role{workers.Orchestrate}, Address: server.Address, TLS: id.Client(pki.Temporal), Ring: server.Ring,
			Environment: environment, Metadata: db, ScanEvery: -1, Version: workers.Version{Deployment: "midwatch", Build: build},
			Ready: func() { close(ready) }, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()
		select {
		case <-ready:
		case <-time.After(patience):
			t.Fatalf("build %s did not become ready", build)
		}
		return w, func() {
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	c := server.Client(pki.API)
	decidedBy := func(build string, events int) {
		t.Helper()
		for deadline := time.Now().Add(patience); ; <-time.After(100 * time.Millisecond) {
			got, n := lastBuild(t, c)
			if got == build && n > events {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("decided by %q after %d events, want %q after more than %d", got, n, build, events)
			}
		}
	}
	raise := func(name string) {
		t.Helper()
		if err := starter.Raise(t.Context(), c, environment, workflows.Policy{}, trigger(name, name, investigation.Alert)); err != nil {
			t.Fatal(err)
		}
	}

	_, endOne := run("one") // the first build of all is current
	raise("a")
	decidedBy("one", 0)
	two, endTwo := run("two")
	defer endTwo()
	_, n := lastBuild(t, c)
	raise("b")
	decidedBy("one", n)
	if err := two.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	endOne()
	_, n = lastBuild(t, c)
	raise("c")
	decidedBy("two", n)
}

// lastBuild is who completed the last workflow task of the Intake, and how many events there are.
func lastBuild(t *testing.T, c client.Client) (build string, events int) {
	t.Helper()
	d, err := c.DescribeWorkflowExecution(t.Context(), workflows.IntakeID(environment), "")
	if err != nil {
		t.Fatal(err)
	}
	info := d.GetWorkflowExecutionInfo()
	return info.GetVersioningInfo().GetDeploymentVersion().GetBuildId(), int(info.GetHistoryLength())
}
