package ingest

import (
	"context"
	"fmt"
	"os"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/midwatch/midwatch/internal/telemetry"
)

const selfMetricsEvery = 30 * time.Second

// reportSelf stores the counters every half minute until ctx ends.
func (s *Server) reportSelf(ctx context.Context) {
	start := time.Now()
	tick := time.NewTicker(selfMetricsEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := s.storeSelf(ctx, start); err != nil && ctx.Err() == nil {
				s.cfg.Log.Warn("store own metrics", "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (s *Server) storeSelf(ctx context.Context, start time.Time) error {
	body, err := pmetricotlp.NewExportRequestFromMetrics(s.selfMetrics(start, time.Now())).MarshalProto()
	if err != nil {
		return fmt.Errorf("encode own metrics: %w", err)
	}
	_, _, err = s.export(ctx, request{signal: telemetry.Metrics, body: body})
	return err
}

// selfMetrics is the counters as OTLP: one cumulative sum, telemetry.IngestRecords, and what series there are.
func (s *Server) selfMetrics(start, now time.Time) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	host, _ := os.Hostname() // empty when the kernel does not say
	rm.Resource().Attributes().PutStr(telemetry.ServiceName, "midwatch-ingester")
	rm.Resource().Attributes().PutStr(telemetry.ServiceInstanceID, fmt.Sprintf("%s/%d", host, os.Getpid()))
	rm.Resource().Attributes().PutStr(telemetry.HostName, host)
	m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName(telemetry.IngestRecords)
	m.SetUnit("{record}")
	sum := m.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	for c, n := range s.counters.snapshot() {
		p := sum.DataPoints().AppendEmpty()
		p.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
		p.SetTimestamp(pcommon.NewTimestampFromTime(now))
		p.SetIntValue(n)
		p.Attributes().PutStr("signal", string(c.signal))
		p.Attributes().PutStr("outcome", c.outcome)
		p.Attributes().PutStr("reason", string(c.reason))
	}
	s.addSeriesCounts(rm.ScopeMetrics().At(0).Metrics(), now)
	return md
}

// addSeriesCounts tells how near each environment is to its limit of series.
func (s *Server) addSeriesCounts(to pmetric.MetricSlice, now time.Time) {
	m := to.AppendEmpty()
	m.SetName(telemetry.IngestSeries)
	m.SetUnit("{series}")
	points := m.SetEmptyGauge().DataPoints()
	for environment, n := range s.limit.counts(now) {
		p := points.AppendEmpty()
		p.SetTimestamp(pcommon.NewTimestampFromTime(now))
		p.SetIntValue(int64(n))
		p.Attributes().PutStr(telemetry.Environment, environment)
	}
}
