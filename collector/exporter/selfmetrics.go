package exporter

import (
	"context"
	"fmt"
	"os"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/midwatch/midwatch/collector/envelope"
	"github.com/midwatch/midwatch/internal/telemetry"
)

const selfMetricsEvery = 30 * time.Second

// reportSelf sends the counters to the ingester until ctx ends. A report that fails is not repeated: the next one says more.
func (e *Exporter) reportSelf(ctx context.Context, to *ingester) {
	start := time.Now()
	tick := time.NewTicker(selfMetricsEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p := payload{signal: telemetry.Metrics, metrics: e.selfMetrics(start, time.Now())}
			if _, _, err := to.send(ctx, p, envelope.NewID(), false); err != nil && ctx.Err() == nil {
				e.cfg.Log.Warn("send own metrics", "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (e *Exporter) selfMetrics(start, now time.Time) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	host, _ := os.Hostname() // empty when the kernel does not say
	rm.Resource().Attributes().PutStr(telemetry.ServiceName, "midwatch-exporter")
	rm.Resource().Attributes().PutStr(telemetry.ServiceInstanceID, fmt.Sprintf("%s/%d", host, os.Getpid()))
	rm.Resource().Attributes().PutStr(telemetry.HostName, host)
	ms := rm.ScopeMetrics().AppendEmpty().Metrics()
	messages, records := cumulative(ms, telemetry.ExportMessages, "{message}"), cumulative(ms, telemetry.ExportRecords, "{record}")
	texts := cumulative(ms, telemetry.ExportTexts, "{text}")
	st := e.Stats()
	for _, c := range []struct {
		of      pmetric.Sum
		outcome string
		n       uint64
	}{
		{messages, "sent", st.Sent},
		{messages, "retried", st.Retried},
		{messages, "poison", st.Poison},
		{messages, "lost", st.Lost},
		{messages, "waited", st.Waited},
		{records, "dropped", st.Dropped},
		{records, "rejected", st.Rejected},
		{messages, "held", st.Held},
		{texts, "redacted", st.Redacted},
		{texts, "withheld", st.Withheld},
	} {
		p := c.of.DataPoints().AppendEmpty()
		p.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
		p.SetTimestamp(pcommon.NewTimestampFromTime(now))
		p.SetIntValue(int64(c.n))
		p.Attributes().PutStr("outcome", c.outcome)
	}
	if e.cfg.Metrics != nil {
		e.cfg.Metrics(ms, start, now)
	}
	return md
}

func cumulative(ms pmetric.MetricSlice, name, unit string) pmetric.Sum {
	m := ms.AppendEmpty()
	m.SetName(name)
	m.SetUnit(unit)
	sum := m.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	return sum
}
