package ingest

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/ingest/receive"
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
	_, err = s.export(ctx, receive.Request{Request: otlp.Request{Signal: telemetry.Metrics, Body: body}})
	return err
}

// selfMetrics is what the ingester tells about itself, as OTLP.
func (s *Server) selfMetrics(start, now time.Time) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	itself(rm.Resource())
	out := selfReport{rm.ScopeMetrics().AppendEmpty().Metrics(), pcommon.NewTimestampFromTime(start), pcommon.NewTimestampFromTime(now)}
	out.records(s.counters.snapshot())
	out.bytes(s.counters.sizes())
	out.inserts(s.inserts.snapshot())
	s.addSeriesCounts(out.metrics, now)
	out.gauge(telemetry.IngestWaiting, "{request}", int64(len(s.batcher.queue)))
	out.gauge(telemetry.IngestWaitingBytes, "By", s.memory.Used())
	return md
}

// selfReport writes metrics, cumulative ones since start.
type selfReport struct {
	metrics    pmetric.MetricSlice
	start, now pcommon.Timestamp
}

func (o selfReport) sum(name, unit string) pmetric.NumberDataPointSlice {
	m := o.metrics.AppendEmpty()
	m.SetName(name)
	m.SetUnit(unit)
	sum := m.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	return sum.DataPoints()
}

func (o selfReport) point(to pmetric.NumberDataPointSlice, n int64) pcommon.Map {
	p := to.AppendEmpty()
	p.SetStartTimestamp(o.start)
	p.SetTimestamp(o.now)
	p.SetIntValue(n)
	return p.Attributes()
}

func (o selfReport) records(counts map[count]int64) {
	to := o.sum(telemetry.IngestRecords, "{record}")
	for c, n := range counts {
		attrs := o.point(to, n)
		attrs.PutStr("signal", string(c.signal))
		attrs.PutStr("outcome", c.outcome)
		attrs.PutStr("reason", string(c.reason))
	}
}

func (o selfReport) bytes(sizes map[telemetry.Signal]int64) {
	to := o.sum(telemetry.IngestBytes, "By")
	for signal, n := range sizes {
		o.point(to, n).PutStr("signal", string(signal))
	}
}

func (o selfReport) inserts(of map[insertKey]insertTimes) {
	rows := o.sum(telemetry.IngestRows, "{row}")
	m := o.metrics.AppendEmpty()
	m.SetName(telemetry.IngestDuration)
	m.SetUnit("s")
	h := m.SetEmptyHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	for k, t := range of {
		attrs := o.point(rows, int64(t.rows))
		attrs.PutStr("table", k.table)
		attrs.PutStr("outcome", k.outcome)
		p := h.DataPoints().AppendEmpty()
		p.SetStartTimestamp(o.start)
		p.SetTimestamp(o.now)
		p.SetCount(t.count)
		p.SetSum(t.seconds)
		p.ExplicitBounds().FromRaw(insertBounds)
		p.BucketCounts().FromRaw(t.buckets)
		attrs.CopyTo(p.Attributes())
	}
}

func (o selfReport) gauge(name, unit string, n int64) {
	m := o.metrics.AppendEmpty()
	m.SetName(name)
	m.SetUnit(unit)
	p := m.SetEmptyGauge().DataPoints().AppendEmpty()
	p.SetTimestamp(o.now)
	p.SetIntValue(n)
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
