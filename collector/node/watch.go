package node

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/midwatch/midwatch/collector/change"
	"github.com/midwatch/midwatch/collector/host"
	"github.com/midwatch/midwatch/collector/probe"
)

const (
	stepEvery    = time.Second     // changes, starts
	refreshEvery = 2 * time.Second // the process table
	socketsEvery = 5 * time.Second // sockets, when nothing started
	socketsHasty = 4 * time.Second // how long after a start that matters sockets are read at each refresh
	maxLeft      = 8192            // processes that are gone and wait for the kernel to say how
)

// watch follows processes: it alone calls the tracker and the lifecycle, from one goroutine.
type watch struct {
	agent     *Agent
	tracker   *change.Tracker
	lifecycle *change.Lifecycle
	left      map[host.ID]*host.Process // gone from /proc before the kernel's word of it was read
	sockets   time.Time                 // when they were read last
	out       plog.Logs
	changed   []change.Change
}

func newWatch(a *Agent, t *change.Tracker) *watch {
	return &watch{agent: a, tracker: t, left: map[host.ID]*host.Process{}, out: plog.NewLogs()}
}

// begin learns what runs already, so that it is not news.
func (w *watch) begin(now time.Time) error {
	if _, _, err := w.agent.table.Refresh(now); err != nil {
		return fmt.Errorf("read the process table: %w", err)
	}
	w.agent.sockets.Refresh(now)
	w.sockets = now
	w.lifecycle = change.NewLifecycle(w.agent.table, now)
	w.lifecycle.Step(now)
	w.exclude(w.agent.table.Live())
	return nil
}

func (w *watch) run(ctx context.Context) error {
	step, refresh := time.NewTicker(stepEvery), time.NewTicker(refreshEvery)
	defer step.Stop()
	defer refresh.Stop()
	for {
		select {
		case <-ctx.Done():
			last := context.WithoutCancel(ctx)
			w.flush(last)
			w.tracker.Close(last, w.changed)
			return nil
		case e := <-w.agent.kernel.events:
			w.kernel(e)
		case now := <-refresh.C:
			w.refresh(now)
		case now := <-step.C:
			w.events(w.lifecycle.Step(now))
			w.flush(ctx)
			w.tracker.Tell(ctx, append(w.changed, w.tracker.Step(now)...))
			w.changed = nil
		}
	}
}

// kernel takes one event of the probe.
func (w *watch) kernel(event any) {
	switch e := event.(type) {
	case probe.Exec:
		if p := w.agent.table.Exec(int(e.TGID)); p != nil {
			w.exclude([]*host.Process{p})
		}
	case probe.Exit:
		p := w.agent.table.Exit(int(e.TGID), e.Time)
		if p == nil || !near(p.StartTicks, e.StartTicks) {
			return
		}
		delete(w.left, p.ID())
		w.ended(change.Event{Process: p, At: e.Time, Known: true, Code: e.Code, Signal: e.Signal})
	case probe.OOMKill:
		if p := w.agent.table.Get(int(e.TGID)); p != nil {
			rss := e.AnonRSS + e.FileRSS + e.SharedRSS
			w.events([]change.Event{w.lifecycle.Killed(p, uint64(max(0, rss)), e.Time)})
		}
	}
}

// near allows for the rounding of nanoseconds to ticks.
func near(a, b uint64) bool { return max(a, b)-min(a, b) <= 1 }

// refresh brings table and sockets up to date. How a process ended is the kernel's to say; what it does not say until the next
// refresh has ended without a known reason.
func (w *watch) refresh(now time.Time) {
	for id, p := range w.left {
		delete(w.left, id)
		w.ended(change.Event{Process: p, At: p.Gone})
	}
	appeared, left, err := w.agent.table.Refresh(now)
	if err != nil {
		w.agent.cfg.Log.Warn("the process table is not up to date", "error", err)
		return
	}
	w.exclude(appeared)
	watched := w.agent.report.sees(hookOOM)
	if !watched {
		w.events(w.lifecycle.Memory(left, now))
	}
	for _, p := range left {
		if len(w.left) < maxLeft {
			w.left[p.ID()] = p
		}
	}
	if now.Sub(w.sockets) >= socketsEvery || w.starting(now) {
		w.agent.sockets.Refresh(now)
		w.sockets = now
	}
}

// starting tells whether a process that may be a service's is young: its ports and connections are soon asked for. What lives for
// less than a refresh never gets here, and reading all sockets for every tool would be most of what the node agent costs.
func (w *watch) starting(now time.Time) bool {
	return slices.ContainsFunc(w.agent.table.Live(), func(p *host.Process) bool {
		return p.Leads && !p.Own && !p.Shell && now.Sub(p.Started) < socketsHasty
	})
}

func (w *watch) ended(e change.Event) {
	w.changed = append(w.changed, w.tracker.Ended(e.Process, e.Known && (e.Code != 0 || e.Signal != 0), time.Now())...)
	w.events(w.lifecycle.Ended(e))
}

// exclude tells the probe to leave Midwatch's own processes alone.
func (w *watch) exclude(procs []*host.Process) {
	for _, p := range procs {
		if !p.Own {
			continue
		}
		if err := w.agent.probe.Exclude(p.PID); err != nil {
			w.agent.cfg.Log.Debug("a process of our own is looked at", "pid", p.PID, "error", err)
		}
	}
}

func (w *watch) events(events []change.Event) {
	for _, e := range events {
		e.Append(w.out, w.agent.id)
	}
}

func (w *watch) flush(ctx context.Context) {
	if w.out.LogRecordCount() == 0 {
		return
	}
	if err := w.agent.cfg.Publisher.Logs(ctx, w.out); err != nil {
		w.agent.cfg.Log.Warn("events are lost", "count", w.out.LogRecordCount(), "error", err)
	}
	w.out = plog.NewLogs()
}
