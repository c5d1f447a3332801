package ingest

import (
	"math"
	"slices"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/midwatch/midwatch/ingest/block"
)

// Values of the column kind.
const (
	kindGauge         = 1
	kindSumDelta      = 2
	kindSumCumulative = 3
)

// pointColumns is what both tables of metrics have.
type pointColumns struct {
	time                                             *block.Fixed
	environment, service, instance, host, name, unit *block.Dict
	attributes, resource                             *block.Map
	batch                                            *block.Strings

	first, last int64
}

func newPointColumns() pointColumns {
	return pointColumns{
		time: block.Time(), environment: block.NewDict(), service: block.NewDict(), instance: block.NewDict(), host: block.NewDict(),
		name: block.NewDict(), unit: block.NewDict(), attributes: block.NewMap(), resource: block.NewMap(), batch: block.NewStrings(), first: math.MaxInt64,
	}
}

func (c *pointColumns) add(at int64, of metric, attrs *attributes, batch string) {
	c.first, c.last = min(c.first, at), max(c.last, at)
	c.time.Put64(uint64(at))
	c.environment.PutString(of.environment)
	c.service.PutString(of.service)
	c.instance.PutString(of.instance)
	c.host.PutString(of.host)
	c.name.PutString(of.name)
	c.unit.PutString(of.unit)
	attrs.writeTo(c.attributes)
	of.resourceAttributes.writeTo(c.resource)
	c.batch.PutString(batch)
}

func (c *pointColumns) chunk(table string, d day, own ...block.Named) *chunk {
	return &chunk{table: table, day: d, first: c.first, last: c.last, block: append(block.Block{
		{Name: "time", Column: c.time},
		{Name: "environment", Column: c.environment},
		{Name: "service", Column: c.service},
		{Name: "instance", Column: c.instance},
		{Name: "host", Column: c.host},
		{Name: "name", Column: c.name},
		{Name: "unit", Column: c.unit},
		{Name: "attributes", Column: c.attributes},
		{Name: "resource", Column: c.resource},
		{Name: "batch_id", Column: c.batch},
	}, own...)}
}

// metricColumns is rows of the table metrics: points of gauges, sums and summaries.
type metricColumns struct {
	pointColumns
	kind, value *block.Fixed
}

func newMetricColumns() *metricColumns {
	return &metricColumns{newPointColumns(), block.NewFixed("Enum8('gauge' = 1, 'sum_delta' = 2, 'sum_cumulative' = 3)", 1), block.Float64()}
}

func (c *metricColumns) chunk(d day) *chunk {
	return c.pointColumns.chunk("metrics", d, block.Named{Name: "kind", Column: c.kind}, block.Named{Name: "value", Column: c.value})
}

// metric is what the points of one metric share.
type metric struct {
	*resource
	resourceAttributes *attributes
	scope, name, unit  string
}

func (r *rows) addMetrics(md pmetric.Metrics) {
	for _, rm := range md.ResourceMetrics().All() {
		of := r.attributesOf(rm.Resource().Attributes(), "")
		res := r.newResource(of)
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				r.addMetric(metric{res, of, sm.Scope().Name(), m.Name(), m.Unit()}, m)
			}
		}
	}
}

func (r *rows) addMetric(of metric, m pmetric.Metric) {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		r.addNumbers(of, kindGauge, m.Gauge().DataPoints())
	case pmetric.MetricTypeSum:
		kind, ok := sumKind(m.Sum().AggregationTemporality())
		if !ok {
			r.rejectAll(noTemporality, m.Sum().DataPoints().Len())
			return
		}
		r.addNumbers(of, kind, m.Sum().DataPoints())
	case pmetric.MetricTypeHistogram:
		r.addHistograms(of, m.Histogram())
	case pmetric.MetricTypeExponentialHistogram:
		r.addExponentialHistograms(of, m.ExponentialHistogram())
	case pmetric.MetricTypeSummary:
		r.addSummaries(of, m.Summary())
	default:
		r.tally.reject(noData)
	}
}

func sumKind(t pmetric.AggregationTemporality) (uint8, bool) {
	switch t {
	case pmetric.AggregationTemporalityDelta:
		return kindSumDelta, true
	case pmetric.AggregationTemporalityCumulative:
		return kindSumCumulative, true
	}
	return 0, false
}

func (r *rows) rejectAll(why Reason, n int) {
	for range n {
		r.tally.reject(why)
	}
}

func (r *rows) addNumbers(of metric, kind uint8, points pmetric.NumberDataPointSlice) {
	for _, p := range points.All() {
		if p.Flags().NoRecordedValue() {
			r.tally.note(noRecordedValue)
			continue
		}
		at, ok := r.at(uint64(p.Timestamp()))
		if !ok {
			continue
		}
		value := p.DoubleValue()
		if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
			value = float64(p.IntValue())
		}
		r.addNumber(of, kind, at, r.attributesOf(p.Attributes(), of.scope), value)
	}
}

func (r *rows) addNumber(of metric, kind uint8, at int64, attrs *attributes, value float64) {
	if !r.admit(of.resource, attrs.size+of.size+len(of.name)+len(of.unit)) {
		return
	}
	c := on(&r.metrics, at, newMetricColumns)
	c.add(at, of, attrs, r.id)
	c.kind.Put8(kind)
	c.value.PutFloat(value)
}

// addSummaries stores a summary the way Prometheus names its parts: a gauge per quantile, and the sums _count and _sum.
func (r *rows) addSummaries(of metric, s pmetric.Summary) {
	for _, p := range s.DataPoints().All() {
		if p.Flags().NoRecordedValue() {
			r.tally.note(noRecordedValue)
			continue
		}
		at, ok := r.at(uint64(p.Timestamp()))
		if !ok {
			continue
		}
		if p.QuantileValues().Len() > maxBuckets {
			r.tally.reject(badHistogram)
			continue
		}
		r.addSummary(of, at, p.Attributes(), p)
	}
}

func (r *rows) addSummary(of metric, at int64, m pcommon.Map, p pmetric.SummaryDataPoint) {
	attrs := r.attributesOf(m, of.scope)
	for _, q := range p.QuantileValues().All() {
		with := attributes{list: slices.Clone(attrs.list), size: attrs.size}
		with.put([]byte("quantile"), strconv.AppendFloat(nil, q.Quantile(), 'g', -1, 64))
		r.addNumber(of, kindGauge, at, &with, q.Value())
	}
	count, sum := of, of
	count.name, count.unit, sum.name = of.name+"_count", "", of.name+"_sum"
	r.addNumber(count, kindSumCumulative, at, attrs, float64(p.Count()))
	r.addNumber(sum, kindSumCumulative, at, attrs, p.Sum())
}

// attributesOf is attributes that pdata has read, with the name of their scope.
func (r *rows) attributesOf(m pcommon.Map, scope string) *attributes {
	out := &attributes{}
	for key, v := range m.All() {
		if key != "" && len(out.list) < maxAttributes {
			out.put(r.valid([]byte(key)), r.shortened(r.valid([]byte(v.AsString()))))
		}
	}
	if scope != "" {
		out.put([]byte("otel.scope.name"), []byte(scope))
	}
	return out
}
