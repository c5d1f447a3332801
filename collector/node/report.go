package node

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/internal/telemetry"
)

const (
	reportEvery = 30 * time.Second
	// serviceName is the node agent's own, in what it says of itself.
	serviceName = "midwatch-node-agent"
	hookOOM     = "oom/mark_victim"
	hookKernel  = "ebpf" // stands for all hooks when there are none
)

// report says how well the kernel is watched and what was dropped.
type report struct {
	agent *Agent
	begun time.Time

	mu      sync.Mutex
	without string // why there is no probe at all
}

// dropper is a Sink that tells what it gave up after it had taken it.
type dropper interface{ Drops() map[string]uint64 }

func (r *report) withoutKernel(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.without = reason
}

func (r *report) hooks() []probe.Hook {
	r.mu.Lock()
	without := r.without
	r.mu.Unlock()
	if without != "" {
		return []probe.Hook{{Name: hookKernel, State: probe.Missing, Reason: without}}
	}
	return r.agent.probe.Hooks()
}

// sees tells whether a hook is attached.
func (r *report) sees(name string) bool {
	for _, h := range r.hooks() {
		if h.Name == name {
			return h.State != probe.Missing
		}
	}
	return false
}

// run reports soon after the start and then every reportEvery.
func (r *report) run(ctx context.Context) error {
	r.begun = time.Now()
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	first := time.After(2 * time.Second)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-first:
		case <-tick.C:
		}
		if err := r.agent.cfg.Publisher.Metrics(ctx, r.collect(time.Now())); err != nil && ctx.Err() == nil {
			r.agent.cfg.Log.Warn("the report on the probe is lost", "error", err)
		}
	}
}

func (r *report) collect(now time.Time) pmetric.Metrics {
	out := pmetric.NewMetrics()
	rm := out.ResourceMetrics().AppendEmpty()
	r.agent.id.FillHost(rm.Resource(), serviceName)
	scope := rm.ScopeMetrics().AppendEmpty()
	at := pcommon.NewTimestampFromTime(now)

	state := scope.Metrics().AppendEmpty()
	state.SetName(telemetry.ProbeState)
	state.SetUnit("1")
	states := state.SetEmptyGauge().DataPoints()
	for _, h := range r.hooks() {
		p := states.AppendEmpty()
		p.SetTimestamp(at)
		p.SetDoubleValue(1)
		p.Attributes().PutStr("hook", h.Name)
		p.Attributes().PutStr("state", string(h.State))
		p.Attributes().PutStr("reason", h.Reason)
	}

	drops := scope.Metrics().AppendEmpty()
	drops.SetName(telemetry.ProbeDrops)
	drops.SetUnit("{event}")
	sum := drops.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	for reason, n := range r.drops() {
		p := sum.DataPoints().AppendEmpty()
		p.SetStartTimestamp(pcommon.NewTimestampFromTime(r.begun))
		p.SetTimestamp(at)
		p.SetIntValue(int64(n)) //nolint:gosec // a count
		p.Attributes().PutStr("reason", reason)
	}
	return out
}

// drops are the counts of everything that did not become telemetry, by reason.
func (r *report) drops() map[string]uint64 {
	out := map[string]uint64{}
	for reason, n := range r.agent.probe.Drops() {
		out[reason] = n
	}
	out["calls_queue_full"] = r.agent.kernel.dropped.calls.Load()
	out["events_queue_full"] = r.agent.kernel.dropped.events.Load()
	out["process_gone"] = r.agent.spans.unknown.Load()
	out["spans_refused"] = r.agent.spans.lost.Load()
	for reason, n := range r.agent.tailer.Drops() {
		out[reason] = n
	}
	if sink, ok := r.agent.cfg.Publisher.(dropper); ok {
		for reason, n := range sink.Drops() {
			out[reason] = n
		}
	}
	return out
}
