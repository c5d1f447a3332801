package ingest

import (
	"math"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/midwatch/midwatch/ingest/block"
)

// histogramColumns is rows of the table metric_histograms.
type histogramColumns struct {
	pointColumns
	temporality, count, sum *block.Fixed
	bounds, bucketCounts    *block.Array[*block.Fixed]
}

func newHistogramColumns() *histogramColumns {
	return &histogramColumns{
		newPointColumns(), block.NewFixed("Enum8('delta' = 1, 'cumulative' = 2)", 1), block.UInt64(), block.Float64(),
		block.NewArray(block.Float64()), block.NewArray(block.UInt64()),
	}
}

func (c *histogramColumns) chunk(d day) *chunk {
	return c.pointColumns.chunk("metric_histograms", d,
		block.Named{Name: "temporality", Column: c.temporality},
		block.Named{Name: "count", Column: c.count},
		block.Named{Name: "sum", Column: c.sum},
		block.Named{Name: "bounds", Column: c.bounds},
		block.Named{Name: "counts", Column: c.bucketCounts})
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
func histogramTemporality(t pmetric.AggregationTemporality) (uint8, bool) {
	return uint8(t), t == pmetric.AggregationTemporalityDelta || t == pmetric.AggregationTemporalityCumulative
}

func (r *rows) addHistogram(of metric, temporality uint8, ts pcommon.Timestamp, flags pmetric.DataPointFlags, m pcommon.Map, b buckets) {
	if flags.NoRecordedValue() {
		r.tally.note(noRecordedValue)
		return
	}
	at, ok := r.at(uint64(ts))
	if !ok {
		return
	}
	if !b.valid() {
		r.tally.reject(badHistogram)
		return
	}
	attrs := r.attributesOf(m, of.scope)
	if !r.admit(of.resource, attrs.size+of.size+len(of.name)+len(of.unit)+8*(len(b.bounds)+len(b.counts))) {
		return
	}
	r.appendHistogram(of, temporality, at, attrs, b)
}

func (r *rows) appendHistogram(of metric, temporality uint8, at int64, attrs *attributes, b buckets) {
	c := on(&r.histograms, at, newHistogramColumns)
	c.add(at, of, attrs, r.id)
	c.temporality.Put8(temporality)
	c.count.Put64(b.count)
	c.sum.PutFloat(b.sum)
	for _, x := range b.bounds {
		c.bounds.Items.PutFloat(x)
	}
	c.bounds.End()
	for _, n := range b.counts {
		c.bucketCounts.Items.Put64(n)
	}
	c.bucketCounts.End()
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
