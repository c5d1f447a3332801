package ingest

import (
	"context"
	"fmt"
	"os"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/ingest/receive"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// TellDropped says what the store dropped: in the log, and to whoever looks for it later, as an event for each partition
// and a metric. It waits until they are stored, or logs why they are not.
func (s *Server) TellDropped(ctx context.Context, dropped []store.Dropped) {
	if len(dropped) == 0 {
		return
	}
	for _, d := range dropped {
		s.cfg.Log.InfoContext(ctx, "the store dropped a partition", "table", d.Table, "day", d.Day.Format(time.DateOnly), "rows", d.Rows, "bytes", d.Bytes, "reason", d.Reason)
	}
	s.forgetDropped(dropped)
	now := pcommon.NewTimestampFromTime(time.Now())
	events, err := plogotlp.NewExportRequestFromLogs(droppedEvents(dropped, now)).MarshalProto()
	if err == nil {
		_, err = s.export(ctx, receive.Request{Request: otlp.Request{Signal: telemetry.Logs, Body: events}})
	}
	if err != nil {
		s.cfg.Log.WarnContext(ctx, "store the events of what was dropped", "error", err)
	}
	points, err := pmetricotlp.NewExportRequestFromMetrics(droppedMetric(dropped, now)).MarshalProto()
	if err == nil {
		_, err = s.export(ctx, receive.Request{Request: otlp.Request{Signal: telemetry.Metrics, Body: points}})
	}
	if err != nil {
		s.cfg.Log.WarnContext(ctx, "store the metric of what was dropped", "error", err)
	}
}

var becauseOf = map[string]string{store.TooOld: "it is older than it is kept", store.DiskFull: "the disk is fuller than it may be"}

func droppedEvents(dropped []store.Dropped, now pcommon.Timestamp) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	itself(rl.Resource())
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	for _, d := range dropped {
		r := records.AppendEmpty()
		r.SetTimestamp(now)
		r.SetObservedTimestamp(now)
		r.SetSeverityNumber(plog.SeverityNumberInfo)
		if d.Reason == store.DiskFull {
			r.SetSeverityNumber(plog.SeverityNumberWarn)
		}
		r.SetSeverityText(r.SeverityNumber().String())
		r.SetEventName(telemetry.EventDropped)
		day := d.Day.Format(time.DateOnly)
		r.Body().SetStr(fmt.Sprintf("The store dropped %s of %s, %d rows, %d bytes: %s", d.Table, day, d.Rows, d.Bytes, becauseOf[d.Reason]))
		a := r.Attributes()
		a.PutStr(telemetry.EventName, telemetry.EventDropped)
		a.PutStr("table", d.Table)
		a.PutStr("day", day)
		a.PutStr("reason", d.Reason)
		a.PutInt("rows", int64(d.Rows))   //nolint:gosec // of one disk
		a.PutInt("bytes", int64(d.Bytes)) //nolint:gosec // of one disk
	}
	return ld
}

func droppedMetric(dropped []store.Dropped, now pcommon.Timestamp) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	itself(rm.Resource())
	m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName(telemetry.StoreDropped)
	m.SetUnit("By")
	sum := m.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	type series struct{ table, reason string }
	bytes := map[series]uint64{}
	for _, d := range dropped {
		bytes[series{d.Table, d.Reason}] += d.Bytes
	}
	for k, n := range bytes {
		p := sum.DataPoints().AppendEmpty()
		p.SetStartTimestamp(now)
		p.SetTimestamp(now)
		p.SetIntValue(int64(n)) //nolint:gosec // of one disk
		p.Attributes().PutStr("table", k.table)
		p.Attributes().PutStr("reason", k.reason)
	}
	return md
}

// itself describes this ingester.
func itself(r pcommon.Resource) {
	host, _ := os.Hostname() // empty when the kernel does not say
	r.Attributes().PutStr(telemetry.ServiceName, "midwatch-ingester")
	r.Attributes().PutStr(telemetry.ServiceInstanceID, fmt.Sprintf("%s/%d", host, os.Getpid()))
	r.Attributes().PutStr(telemetry.HostName, host)
}
