package node

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/midwatch/midwatch/collector/change"
	"github.com/midwatch/midwatch/collector/host"
	"github.com/midwatch/midwatch/collector/logs"
	"github.com/midwatch/midwatch/collector/probe"
)

// Agent is the node agent of one machine.
type Agent struct {
	cfg     Config
	id      host.Identity
	table   *host.Table
	sockets *host.Sockets
	meter   *host.Meter
	probe   *probe.Probe
	kernel  *kernel
	spans   *spans
	watch   *watch
	tailer  *logs.Tailer
	report  *report
	ready   readiness
}

// New validates the configuration and starts nothing.
func New(cfg Config) (*Agent, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	a := &Agent{cfg: cfg, id: host.Identity{Host: cfg.Node, Environment: cfg.Environment}}
	if a.table, err = host.NewTable(host.TableConfig{Log: cfg.Log}); err != nil {
		return nil, err
	}
	a.sockets = host.NewSockets(a.table)
	names := host.NewNames(a.sockets)
	a.meter = host.NewMeter(a.id, a.table, a.sockets, names)
	a.ready = readiness{notify: cfg.Ready, left: 2}
	if a.probe, err = probe.New(probe.Config{ExcludePIDs: cfg.ExcludePIDs, Log: cfg.Log, Ready: a.attached}); err != nil {
		return nil, err
	}
	p := newPeers(a.table, a.sockets)
	if a.kernel, err = newKernel(p, newOutside(names, a.meter), a.meter, a.probe.Mute); err != nil {
		return nil, err
	}
	excluded := make(map[int]bool, len(cfg.ExcludePIDs))
	for _, pid := range cfg.ExcludePIDs {
		excluded[pid] = true
	}
	dbs, err := newDatabases()
	if err != nil {
		return nil, err
	}
	a.spans = &spans{
		id: a.id, table: a.table, peers: p, meter: a.meter, sink: cfg.Publisher,
		durations: newDurations(a.id, cfg.Publisher, cfg.Log), routes: newRoutes(), databases: dbs, excluded: excluded,
	}
	tracker, err := change.New(change.Config{
		Dir: filepath.Join(cfg.DataDir, "node-agent"), Identity: a.id, Table: a.table, Sockets: a.sockets, Sink: cfg.Publisher, Log: cfg.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("track changes: %w", err)
	}
	a.tailer, err = logs.New(logs.Config{
		Paths: cfg.Logs, Journal: !cfg.NoJournal, Dir: filepath.Join(cfg.DataDir, "node-agent"),
		Identity: a.id, Table: a.table, Sockets: a.sockets, Sink: cfg.Publisher, Log: cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	a.watch = newWatch(a, tracker)
	a.report = &report{agent: a}
	return a, nil
}

// Hooks returns the state of every kernel hook, nil before they were attached.
func (a *Agent) Hooks() []probe.Hook { return a.report.hooks() }

// Run watches the machine until ctx ends, then sends what waits. A clean stop is nil. A kernel that cannot be watched, for want of root
// or of BTF, is said once and everything else runs.
func (a *Agent) Run(ctx context.Context) error {
	if a.cfg.MemoryLimit > 0 {
		before := debug.SetMemoryLimit(a.cfg.MemoryLimit)
		defer debug.SetMemoryLimit(before)
	}
	if err := a.watch.begin(time.Now()); err != nil {
		return err
	}
	// What finishes last is stopped last: the probe's calls still become spans, the spans still reach the sink.
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.table.Hash(ctx) })
	g.Go(func() error { return a.runProbe(ctx) })
	if !a.cfg.NoKernel && !a.cfg.NoTLS {
		g.Go(func() error { return newLibraries(a.table, a.probe.Decrypt, a.cfg.Log).run(ctx) })
	}
	g.Go(func() error { return a.spans.run(ctx, a.kernel.calls) })
	g.Go(func() error { return a.watch.run(ctx) })
	g.Go(func() error { return a.tailer.Run(ctx) })
	g.Go(func() error { return a.runMeter(ctx) })
	g.Go(func() error { return a.report.run(ctx) })
	a.ready.done("processes")
	return g.Wait()
}

// attached is called by the probe, which can be told of our own processes only now.
func (a *Agent) attached() {
	a.watch.exclude(a.table.Live())
	a.ready.done("kernel")
}

// probeRetry is how long the agent waits before it attaches a probe that failed again.
const probeRetry = 5 * time.Second

func (a *Agent) runProbe(ctx context.Context) error {
	if a.cfg.NoKernel {
		a.report.withoutKernel("switched off in the configuration")
		a.ready.done("kernel")
		return nil
	}
	for ctx.Err() == nil {
		err := a.probe.Run(ctx, a.kernel)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, probe.ErrUnavailable):
			a.cfg.Log.Warn("the kernel cannot be watched: no spans from this machine, everything else runs", "reason", err)
			a.report.withoutKernel(err.Error())
			a.ready.done("kernel")
			return nil
		}
		a.cfg.Log.Error("the kernel probe failed and is attached again", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(probeRetry):
		}
	}
	return nil
}

func (a *Agent) runMeter(ctx context.Context) error {
	tick := time.NewTicker(a.cfg.Interval)
	defer tick.Stop()
	for {
		if err := a.cfg.Publisher.Metrics(ctx, a.meter.Collect(time.Now())); err != nil && ctx.Err() == nil {
			a.cfg.Log.Warn("resource metrics are lost", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// readiness calls notify once, when everything it waits for is done.
type readiness struct {
	notify func()
	mu     sync.Mutex
	left   int
	seen   map[string]bool
}

func (r *readiness) done(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen = map[string]bool{}
	}
	if r.seen[what] {
		return
	}
	r.seen[what] = true
	if r.left--; r.left == 0 && r.notify != nil {
		r.notify()
	}
}
