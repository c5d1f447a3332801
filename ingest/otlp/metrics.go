package otlp

import (
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/midwatch/midwatch/ingest/wire"
)

func (r *Rows) addMetrics(md pmetric.Metrics) {
	for _, rm := range md.ResourceMetrics().All() {
		all := r.attributesOf(rm.Resource().Attributes())
		res, identity := r.newResource(all), all.hashed()
		for _, sm := range rm.ScopeMetrics().All() {
			scope, version := r.brief([]byte(sm.Scope().Name())), r.brief([]byte(sm.Scope().Version()))
			for _, m := range sm.Metrics().All() {
				r.addMetric(metric{
					resource: res, identity: identity, scope: scope, scopeVersion: version,
					name: r.named(m.Name()), unit: r.named(m.Unit()), description: r.named(m.Description()),
				}, m)
			}
		}
	}
}

func (r *Rows) addMetric(of metric, m pmetric.Metric) {
	r.came += max(1, points(m))
	if of.name == "" {
		r.rejectAll(nameMissing, max(1, points(m)))
		return
	}
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		of.kind = kindGauge
		r.addNumbers(of.hashed(r.key), m.Gauge().DataPoints())
	case pmetric.MetricTypeSum:
		kind, ok := temporal(m.Sum().AggregationTemporality(), kindSumDelta, kindSumCumulative)
		if !ok {
			r.rejectAll(noTemporality, points(m))
			return
		}
		of.kind = kind
		if m.Sum().IsMonotonic() {
			of.monotonic = 1
		}
		r.addNumbers(of.hashed(r.key), m.Sum().DataPoints())
	case pmetric.MetricTypeHistogram:
		r.addHistograms(of, m.Histogram())
	case pmetric.MetricTypeExponentialHistogram:
		r.addExponentialHistograms(of, m.ExponentialHistogram())
	case pmetric.MetricTypeSummary:
		r.addSummaries(of, m.Summary())
	default:
		r.Tally.reject(noData)
	}
}

// points is how many points a metric has.
func points(m pmetric.Metric) int {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		return m.Gauge().DataPoints().Len()
	case pmetric.MetricTypeSum:
		return m.Sum().DataPoints().Len()
	case pmetric.MetricTypeHistogram:
		return m.Histogram().DataPoints().Len()
	case pmetric.MetricTypeExponentialHistogram:
		return m.ExponentialHistogram().DataPoints().Len()
	case pmetric.MetricTypeSummary:
		return m.Summary().DataPoints().Len()
	}
	return 0
}

// temporal chooses a kind; not ok: the sender does not say what a point counts from.
func temporal(t pmetric.AggregationTemporality, delta, cumulative uint8) (kind uint8, ok bool) {
	switch t {
	case pmetric.AggregationTemporalityDelta:
		return delta, true
	case pmetric.AggregationTemporalityCumulative:
		return cumulative, true
	}
	return 0, false
}

func (r *Rows) rejectAll(why Reason, n int) {
	for range n {
		r.Tally.reject(why)
	}
}

func (r *Rows) addNumbers(of metric, list pmetric.NumberDataPointSlice) {
	for _, p := range list.All() {
		if p.Flags().NoRecordedValue() {
			r.Tally.note(noRecordedValue)
			r.addExemplarsAlone(of, p)
			continue
		}
		value := p.DoubleValue()
		if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
			value = float64(p.IntValue())
		}
		at, ok := r.point(of, p.Timestamp(), p.StartTimestamp(), r.attributesOf(p.Attributes()), 0)
		if !ok {
			continue
		}
		r.addNumber(at, value)
		r.addExemplars(at, p.Exemplars())
	}
}

// addExemplarsAlone stores those of a point without value: Prometheus sends them apart from the samples.
func (r *Rows) addExemplarsAlone(of metric, p pmetric.NumberDataPoint) {
	if p.Exemplars().Len() == 0 {
		return
	}
	if at, ok := r.point(of, p.Timestamp(), p.StartTimestamp(), r.attributesOf(p.Attributes()), 0); ok {
		r.Tally.Stored-- // it is no record
		r.addExemplars(at, p.Exemplars())
	}
}

func (r *Rows) addNumber(p point, value float64) {
	on(&r.samples, p.at, newSampleColumns).add(p, value, r.Batch)
}

// addSummaries stores a summary the way Prometheus names its parts: a series per quantile, and the sums _count and _sum.
func (r *Rows) addSummaries(of metric, s pmetric.Summary) {
	quantile, count, sum := of, of, of
	quantile.kind, count.kind, sum.kind = kindSummaryQuantile, kindSummaryCount, kindSummarySum
	count.name, count.unit, sum.name = of.name+"_count", "", of.name+"_sum"
	parts := summary{quantile.hashed(r.key), count.hashed(r.key), sum.hashed(r.key)}
	for _, p := range s.DataPoints().All() {
		switch {
		case p.Flags().NoRecordedValue():
			r.Tally.note(noRecordedValue)
		case p.QuantileValues().Len() > maxBuckets:
			r.Tally.reject(badHistogram)
		default:
			r.Tally.once(func() { r.addSummary(parts, p) })
		}
	}
}

// summary is what the series of one summary are called.
type summary struct{ quantile, count, sum metric }

func (r *Rows) addSummary(of summary, p pmetric.SummaryDataPoint) {
	list := r.attributesOf(p.Attributes())
	add := func(of metric, list *attributes, value float64) {
		if at, ok := r.point(of, p.Timestamp(), p.StartTimestamp(), list, 0); ok {
			r.addNumber(at, value)
		}
	}
	own := len(list.list)
	for _, q := range p.QuantileValues().All() {
		list.put([]byte("quantile"), strconv.AppendFloat(nil, q.Quantile(), 'g', -1, 64))
		add(of.quantile, list, q.Value())
		list.cut(own)
	}
	add(of.count, list, float64(p.Count()))
	add(of.sum, list, p.Sum())
}

// named is a name as it is stored.
func (r *Rows) named(s string) string {
	return string(r.shortened(r.valid([]byte(wire.Cut(s, long(maxAttribute))))))
}

// maxName is as many bytes as are kept of a name that every metric of a resource or scope is told apart by: it is hashed with each.
const maxName = 256

// brief is such a name.
func (r *Rows) brief(s []byte) string {
	s = r.valid(wire.Cut(s, long(maxName)))
	if len(s) > maxName {
		r.Tally.note(attributeCut)
	}
	return string(wire.Cut(s, maxName))
}

// attributesOf is attributes that pdata has read.
func (r *Rows) attributesOf(m pcommon.Map) *attributes {
	out := &attributes{list: make([]attribute, 0, min(m.Len(), maxAttributes))}
	for key, v := range m.All() {
		r.keep(out, []byte(wire.Cut(key, longKey)), r.valid(wire.TextOf(v, long(maxAttribute))))
	}
	return out
}
