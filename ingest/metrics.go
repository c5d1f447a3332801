package ingest

import (
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Values of the column kind.
const (
	kindGauge         = 1
	kindSumDelta      = 2
	kindSumCumulative = 3
)

// metricColumns is rows of the table metrics: points of gauges, sums and summaries.
type metricColumns struct {
	point
	name, unit []string
	kind       []int8
	value      []float64
}

func (c *metricColumns) chunk(d day) *chunk {
	return c.point.chunk("metrics", d,
		tableColumn{"name", c.name},
		tableColumn{"unit", c.unit},
		tableColumn{"kind", c.kind},
		tableColumn{"value", c.value})
}

// metric is what the points of one metric share.
type metric struct {
	*resource
	scope, name, unit string
}

func (r *rows) addMetrics(md pmetric.Metrics) {
	for _, rm := range md.ResourceMetrics().All() {
		res := r.resource(rm.Resource())
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				r.addMetric(metric{res, sm.Scope().Name(), m.Name(), m.Unit()}, m)
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

func sumKind(t pmetric.AggregationTemporality) (int8, bool) {
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

func (r *rows) addNumbers(of metric, kind int8, points pmetric.NumberDataPointSlice) {
	for _, p := range points.All() {
		if p.Flags().NoRecordedValue() {
			r.tally.note(noRecordedValue)
			continue
		}
		at, ok := r.at(p.Timestamp())
		if !ok {
			continue
		}
		value := p.DoubleValue()
		if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
			value = float64(p.IntValue())
		}
		attrs, size := r.attributes(p.Attributes(), of.scope, nil)
		r.addNumber(of, kind, at, attrs, size, value)
	}
}

func (r *rows) addNumber(of metric, kind int8, at time.Time, attrs *attributes, size int, value float64) {
	if !r.admit(of.resource, size+len(of.name)+len(of.unit)) {
		return
	}
	c := on(&r.metrics, at)
	c.add(at, of.resource, attrs, r.id)
	c.name = append(c.name, of.name)
	c.unit = append(c.unit, of.unit)
	c.kind = append(c.kind, kind)
	c.value = append(c.value, value)
}

// addSummaries stores a summary the way Prometheus names its parts: a gauge per quantile, and the sums _count and _sum.
func (r *rows) addSummaries(of metric, s pmetric.Summary) {
	for _, p := range s.DataPoints().All() {
		if p.Flags().NoRecordedValue() {
			r.tally.note(noRecordedValue)
			continue
		}
		at, ok := r.at(p.Timestamp())
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

func (r *rows) addSummary(of metric, at time.Time, m pcommon.Map, p pmetric.SummaryDataPoint) {
	attrs, size := r.attributes(m, of.scope, nil)
	for _, q := range p.QuantileValues().All() {
		with := append(attributes(nil), *attrs...)
		with.add("quantile", strconv.FormatFloat(q.Quantile(), 'g', -1, 64))
		r.addNumber(of, kindGauge, at, &with, size, q.Value())
	}
	count, sum := of, of
	count.name, count.unit, sum.name = of.name+"_count", "", of.name+"_sum"
	r.addNumber(count, kindSumCumulative, at, attrs, size, float64(p.Count()))
	r.addNumber(sum, kindSumCumulative, at, attrs, size, p.Sum())
}
