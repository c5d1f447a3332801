package ingest

import (
	"math"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// histogramColumns is rows of the table metric_histograms.
type histogramColumns struct {
	point
	name, unit   []string
	temporality  []int8
	count        []uint64
	sum          []float64
	bounds       [][]float64
	bucketCounts [][]uint64
}

func (c *histogramColumns) chunk(d day) *chunk {
	return c.point.chunk("metric_histograms", d,
		tableColumn{"name", c.name},
		tableColumn{"unit", c.unit},
		tableColumn{"temporality", c.temporality},
		tableColumn{"count", c.count},
		tableColumn{"sum", c.sum},
		tableColumn{"bounds", c.bounds},
		tableColumn{"counts", c.bucketCounts})
}

// buckets is a histogram with explicit bounds: len(counts) == len(bounds)+1, or both are empty. counts[i] is how many values were
// above bounds[i-1] and at most bounds[i].
type buckets struct {
	count  uint64
	sum    float64
	bounds []float64 // ascending, finite
	counts []uint64
}

func (b buckets) valid() bool {
	if len(b.bounds) > maxBuckets || (len(b.counts) != len(b.bounds)+1 && len(b.counts)+len(b.bounds) > 0) {
		return false
	}
	for i, x := range b.bounds {
		if math.IsNaN(x) || math.IsInf(x, 0) || (i > 0 && x <= b.bounds[i-1]) {
			return false
		}
	}
	return true
}

func (r *rows) addHistograms(of metric, h pmetric.Histogram) {
	temporality, ok := histogramTemporality(h.AggregationTemporality())
	if !ok {
		r.rejectAll(noTemporality, h.DataPoints().Len())
		return
	}
	for _, p := range h.DataPoints().All() {
		b := buckets{p.Count(), p.Sum(), p.ExplicitBounds().AsRaw(), p.BucketCounts().AsRaw()}
		r.addHistogram(of, temporality, p.Timestamp(), p.Flags(), p.Attributes(), b)
	}
}

func (r *rows) addExponentialHistograms(of metric, h pmetric.ExponentialHistogram) {
	temporality, ok := histogramTemporality(h.AggregationTemporality())
	if !ok {
		r.rejectAll(noTemporality, h.DataPoints().Len())
		return
	}
	for _, p := range h.DataPoints().All() {
		b, ok := explicit(p)
		if !ok {
			r.tally.reject(badHistogram)
			continue
		}
		r.addHistogram(of, temporality, p.Timestamp(), p.Flags(), p.Attributes(), b)
	}
}

// histogramTemporality equals the numbers of the table's enum.
func histogramTemporality(t pmetric.AggregationTemporality) (int8, bool) {
	return int8(t), t == pmetric.AggregationTemporalityDelta || t == pmetric.AggregationTemporalityCumulative
}

func (r *rows) addHistogram(of metric, temporality int8, ts pcommon.Timestamp, flags pmetric.DataPointFlags, m pcommon.Map, b buckets) {
	if flags.NoRecordedValue() {
		r.tally.note(noRecordedValue)
		return
	}
	at, ok := r.at(ts)
	if !ok {
		return
	}
	if !b.valid() {
		r.tally.reject(badHistogram)
		return
	}
	attrs, size := r.attributes(m, of.scope, nil)
	if !r.admit(of.resource, size+len(of.name)+len(of.unit)+8*(len(b.bounds)+len(b.counts))) {
		return
	}
	r.appendHistogram(of, temporality, at, attrs, b)
}

func (r *rows) appendHistogram(of metric, temporality int8, at time.Time, attrs *attributes, b buckets) {
	c := on(&r.histograms, at)
	c.add(at, of.resource, attrs, r.id)
	c.name = append(c.name, of.name)
	c.unit = append(c.unit, of.unit)
	c.temporality = append(c.temporality, temporality)
	c.count = append(c.count, b.count)
	c.sum = append(c.sum, b.sum)
	c.bounds = append(c.bounds, b.bounds)
	c.bucketCounts = append(c.bucketCounts, b.counts)
}

// explicit writes an exponential histogram with bounds: bucket i of scale s holds the values in (2^(i/2^s), 2^((i+1)/2^s)].
func explicit(p pmetric.ExponentialHistogramDataPoint) (buckets, bool) {
	pos, neg := p.Positive().BucketCounts().AsRaw(), p.Negative().BucketCounts().AsRaw()
	if len(pos)+len(neg) > maxBuckets {
		return buckets{}, false
	}
	step := math.Exp2(-float64(p.Scale()))
	edge := func(offset int32, i int) float64 { return math.Exp2((float64(offset) + float64(i)) * step) }

	b := buckets{count: p.Count(), sum: p.Sum()}
	add := func(upper float64, n uint64) {
		b.bounds = append(b.bounds, upper)
		b.counts = append(b.counts, n)
	}
	for i, n := range slices.Backward(neg) {
		add(-edge(p.Negative().Offset(), i), n)
	}
	zero := p.ZeroThreshold()
	if len(pos) > 0 {
		zero = edge(p.Positive().Offset(), 0)
	}
	add(zero, p.ZeroCount())
	for i, n := range pos {
		add(edge(p.Positive().Offset(), i+1), n)
	}
	b.counts = append(b.counts, 0) // nothing lies above the last bound
	return b, b.valid()
}
