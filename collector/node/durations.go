package node

import (
	"context"
	"log/slog"
	"sort"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/collector/host"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// bounds are the histograms' upper bounds in seconds: OpenTelemetry's for HTTP, with three below for databases.
func bounds() []float64 {
	return []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}
}

// maxSeries bounds the histograms of one minute. What is past it is counted under the operation otherOperation.
const (
	maxSeries      = 4096
	otherOperation = "_other"
)

// durations are the duration histograms of the current minute.
type durations struct {
	id     host.Identity
	sink   Sink
	log    *slog.Logger
	bounds []float64
	kinds  []measure
	minute time.Time
	series map[seriesKey]*series
}

// seriesKey is one histogram: attributes are few, because the wire is only read for what is templated.
type seriesKey struct {
	service, version string
	metric           string
	values           [maxAttributes]string // of the attributes of the measure
	class            string
}

// maxAttributes is how many attributes of spans a histogram has.
const maxAttributes = 3

// measure is what is measured of the spans of some protocols.
type measure struct {
	server, client string   // metrics, of what is done and of what is waited for
	attributes     []string // of spans; the first tells which spans are meant
	operation      int      // which of them is the operation
}

func measures() []measure {
	return []measure{
		{telemetry.ServerDuration, telemetry.ClientDuration, []string{telemetry.HTTPMethod, telemetry.HTTPRoute}, 0},
		{telemetry.DBServerDuration, telemetry.DBClientDuration, []string{telemetry.DBSystem, telemetry.DBOperation, telemetry.DBCollection}, 1},
		{telemetry.RPCServerDuration, telemetry.RPCClientDuration, []string{telemetry.RPCSystem, telemetry.RPCMethod, telemetry.RPCService}, 1},
		{telemetry.BrokerDuration, telemetry.MessagingDuration, []string{telemetry.MessagingSystem, telemetry.MessagingAction, telemetry.MessagingTarget}, 1},
	}
}

type series struct {
	of     measure
	counts []uint64
	count  uint64
	sum    float64
}

func newDurations(id host.Identity, sink Sink, log *slog.Logger) *durations {
	return &durations{id: id, sink: sink, log: log, bounds: bounds(), kinds: measures(), series: map[seriesKey]*series{}}
}

// observe adds one call. sp is its finished span.
func (d *durations) observe(p *host.Process, sp ptrace.Span, took time.Duration) {
	m, ok := d.measureOf(sp)
	if !ok {
		return
	}
	if d.minute.IsZero() {
		d.minute = time.Now().Truncate(time.Minute)
	}
	k := m.key(p, sp)
	s := d.series[k]
	if s == nil {
		if len(d.series) >= maxSeries {
			k.values = m.other(k.values)
			s = d.series[k]
		}
		if s == nil {
			s = &series{counts: make([]uint64, len(d.bounds)+1), of: m}
			d.series[k] = s
		}
	}
	seconds := took.Seconds()
	s.counts[sort.SearchFloat64s(d.bounds, seconds)]++
	s.count++
	s.sum += seconds
}

// measureOf finds what a span is measured as. What a broker hands out takes no time.
func (d *durations) measureOf(sp ptrace.Span) (measure, bool) {
	if sp.Kind() != ptrace.SpanKindServer && sp.Kind() != ptrace.SpanKindClient {
		return measure{}, false
	}
	for _, m := range d.kinds {
		if _, ok := sp.Attributes().Get(m.attributes[0]); ok {
			return m, true
		}
	}
	return measure{}, false
}

func (m measure) key(p *host.Process, sp ptrace.Span) seriesKey {
	k := seriesKey{service: p.Service, version: p.Version(), metric: m.client, class: "ok"}
	if sp.Kind() == ptrace.SpanKindServer {
		k.metric = m.server
	}
	for i, name := range m.attributes {
		k.values[i] = attribute(sp, name)
	}
	switch {
	case m.attributes[0] == telemetry.HTTPMethod:
		k.class = statusClass(attribute(sp, telemetry.HTTPStatus))
	case sp.Status().Code() == ptrace.StatusCodeError:
		k.class = "error"
	}
	return k
}

// other are the values of what is too much.
func (m measure) other(values [maxAttributes]string) [maxAttributes]string {
	clear(values[m.operation:])
	values[m.operation] = otherOperation
	return values
}

func attribute(sp ptrace.Span, name string) string {
	if v, ok := sp.Attributes().Get(name); ok {
		return v.AsString()
	}
	return ""
}

// statusClass is 2xx for 204; a request without an answer is an error.
func statusClass(status string) string {
	if n, err := strconv.Atoi(status); err == nil && n >= 100 && n <= 599 {
		return status[:1] + "xx"
	}
	return "error"
}

// tick sends the histograms once their minute is over.
func (d *durations) tick(ctx context.Context, now time.Time) {
	if !d.minute.IsZero() && now.Sub(d.minute) >= time.Minute {
		d.flush(ctx, now)
	}
}

func (d *durations) flush(ctx context.Context, now time.Time) {
	if len(d.series) == 0 {
		d.minute = time.Time{}
		return
	}
	out := pmetric.NewMetrics()
	type resource struct{ service, version string }
	scopes := map[resource]pmetric.ScopeMetrics{}
	metrics := map[resource]map[string]pmetric.Histogram{}
	for k, s := range d.series {
		r := resource{k.service, k.version}
		if _, ok := scopes[r]; !ok {
			rm := out.ResourceMetrics().AppendEmpty()
			d.id.FillService(rm.Resource(), k.service, k.version)
			scopes[r], metrics[r] = rm.ScopeMetrics().AppendEmpty(), map[string]pmetric.Histogram{}
		}
		h, ok := metrics[r][k.metric]
		if !ok {
			m := scopes[r].Metrics().AppendEmpty()
			m.SetName(k.metric)
			m.SetUnit("s")
			h = m.SetEmptyHistogram()
			h.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
			metrics[r][k.metric] = h
		}
		d.point(h.DataPoints().AppendEmpty(), k, s, now)
	}
	if err := d.sink.Metrics(ctx, out); err != nil {
		d.log.Warn("durations are lost", "error", err)
	}
	d.series, d.minute = map[seriesKey]*series{}, time.Time{}
}

func (d *durations) point(p pmetric.HistogramDataPoint, k seriesKey, s *series, now time.Time) {
	p.SetStartTimestamp(pcommon.NewTimestampFromTime(d.minute))
	p.SetTimestamp(pcommon.NewTimestampFromTime(now))
	p.ExplicitBounds().FromRaw(d.bounds)
	p.BucketCounts().FromRaw(s.counts)
	p.SetCount(s.count)
	p.SetSum(s.sum)
	p.Attributes().PutStr(telemetry.StatusClass, k.class)
	for i, name := range s.of.attributes {
		if v := k.values[i]; v != "" {
			p.Attributes().PutStr(name, v)
		}
	}
}
