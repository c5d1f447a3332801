package otlp

import (
	"math"
	"slices"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/midwatch/midwatch/ingest/block"
)

// distribution is what points of both kinds of histograms say.
type distribution interface {
	Count() uint64
	Sum() float64
	Min() float64
	HasMin() bool
	Max() float64
	HasMax() bool
}

// distributionColumns is what both tables of histograms have.
type distributionColumns struct {
	pointColumns
	count, sum, min, max *block.Fixed
}

func newDistributionColumns() distributionColumns {
	return distributionColumns{newPointColumns(), block.UInt64(), block.Float64(), block.Float64(), block.Float64()}
}

func (c *distributionColumns) add(at point, batch uint64, p distribution) {
	c.pointColumns.add(at, batch)
	c.count.Put64(p.Count())
	c.sum.PutFloat(p.Sum())
	c.min.PutFloat(given(p.Min(), p.HasMin()))
	c.max.PutFloat(given(p.Max(), p.HasMax()))
}

func (c *distributionColumns) chunk(table string, d Day, own ...block.Named) *Chunk {
	return c.pointColumns.chunk(table, d, "start_time", append([]block.Named{
		{Name: "count", Column: c.count},
		{Name: "sum", Column: c.sum},
		{Name: "min", Column: c.min},
		{Name: "max", Column: c.max},
	}, own...)...)
}

// histogramColumns is rows of the table histograms.
type histogramColumns struct {
	distributionColumns
	bounds, bucketCounts *block.Array[*block.Fixed]
}

func newHistogramColumns() *histogramColumns {
	return &histogramColumns{newDistributionColumns(), block.NewArray(block.Float64()), block.NewArray(block.UInt64())}
}

func (c *histogramColumns) chunk(d Day) *Chunk {
	return c.distributionColumns.chunk(histogramsTable, d,
		block.Named{Name: "bounds", Column: c.bounds},
		block.Named{Name: "counts", Column: c.bucketCounts})
}

// exponentialColumns is rows of the table exponential_histograms.
type exponentialColumns struct {
	distributionColumns
	zeroCount, zeroThreshold, scale *block.Fixed
	positiveOffset, negativeOffset  *block.Fixed
	positive, negative              *block.Array[*block.Fixed]
}

func newExponentialColumns() *exponentialColumns {
	number := func() *block.Fixed { return block.NewFixed("Int32", 4) }
	return &exponentialColumns{
		newDistributionColumns(), block.UInt64(), block.Float64(), number(), number(), number(), block.NewArray(block.UInt64()), block.NewArray(block.UInt64()),
	}
}

func (c *exponentialColumns) chunk(d Day) *Chunk {
	return c.distributionColumns.chunk(exponentialsTable, d,
		block.Named{Name: "scale", Column: c.scale},
		block.Named{Name: "zero_count", Column: c.zeroCount},
		block.Named{Name: "zero_threshold", Column: c.zeroThreshold},
		block.Named{Name: "positive_offset", Column: c.positiveOffset},
		block.Named{Name: "positive_counts", Column: c.positive},
		block.Named{Name: "negative_offset", Column: c.negativeOffset},
		block.Named{Name: "negative_counts", Column: c.negative})
}

func putCounts(c *block.Array[*block.Fixed], counts []uint64) {
	for _, n := range counts {
		c.Items.Put64(n)
	}
	c.End()
}

// buckets is a histogram with explicit bounds: len(counts) == len(bounds)+1, or both are empty. counts[i] is how many values were
// above bounds[i-1] and at most bounds[i].
type buckets struct {
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

// given is v, or NaN if it was not told.
func given(v float64, told bool) float64 {
	if !told {
		return math.NaN()
	}
	return v
}

func (r *Rows) addHistograms(of metric, h pmetric.Histogram) {
	kind, ok := temporal(h.AggregationTemporality(), kindHistogramDelta, kindHistogramCumulative)
	if !ok {
		r.rejectAll(noTemporality, h.DataPoints().Len())
		return
	}
	of.kind = kind
	of = of.hashed(r.key)
	for _, p := range h.DataPoints().All() {
		if p.Flags().NoRecordedValue() {
			r.Tally.note(noRecordedValue)
			continue
		}
		if p.ExplicitBounds().Len() > maxBuckets || p.BucketCounts().Len() > maxBuckets+1 {
			r.Tally.reject(badHistogram)
			continue
		}
		b := buckets{p.ExplicitBounds().AsRaw(), p.BucketCounts().AsRaw()}
		if !b.valid() {
			r.Tally.reject(badHistogram)
			continue
		}
		at, ok := r.point(of, p.Timestamp(), p.StartTimestamp(), r.attributesOf(p.Attributes()), 8*(len(b.bounds)+len(b.counts)))
		if !ok {
			continue
		}
		r.addHistogram(at, p, b)
		r.addExemplars(at, p.Exemplars())
	}
}

func (r *Rows) addHistogram(at point, p pmetric.HistogramDataPoint, b buckets) {
	c := on(&r.histograms, at.at, newHistogramColumns)
	c.add(at, r.Batch, p)
	for _, bound := range b.bounds {
		c.bounds.Items.PutFloat(bound)
	}
	c.bounds.End()
	putCounts(c.bucketCounts, b.counts)
}

func (r *Rows) addExponentialHistograms(of metric, h pmetric.ExponentialHistogram) {
	kind, ok := temporal(h.AggregationTemporality(), kindExponentialDelta, kindExponentialCumulative)
	if !ok {
		r.rejectAll(noTemporality, h.DataPoints().Len())
		return
	}
	of.kind = kind
	of = of.hashed(r.key)
	for _, p := range h.DataPoints().All() {
		if p.Flags().NoRecordedValue() {
			r.Tally.note(noRecordedValue)
			continue
		}
		r.addExponentialHistogram(of, p)
	}
}

func (r *Rows) addExponentialHistogram(of metric, p pmetric.ExponentialHistogramDataPoint) {
	if _, ok := explicit(p); !ok {
		r.Tally.reject(badHistogram)
		return
	}
	positive, negative := p.Positive().BucketCounts().AsRaw(), p.Negative().BucketCounts().AsRaw()
	at, ok := r.point(of, p.Timestamp(), p.StartTimestamp(), r.attributesOf(p.Attributes()), 8*(len(positive)+len(negative)))
	if !ok {
		return
	}
	c := on(&r.exponentials, at.at, newExponentialColumns)
	c.add(at, r.Batch, p)
	c.scale.Put32(uint32(p.Scale()))
	c.zeroCount.Put64(p.ZeroCount())
	c.zeroThreshold.PutFloat(p.ZeroThreshold())
	c.positiveOffset.Put32(uint32(p.Positive().Offset()))
	putCounts(c.positive, positive)
	c.negativeOffset.Put32(uint32(p.Negative().Offset()))
	putCounts(c.negative, negative)
	r.addExemplars(at, p.Exemplars())
}

// explicit is an exponential histogram with bounds, as the table's columns bounds and counts have it; not ok: its bounds are no finite numbers.
func explicit(p pmetric.ExponentialHistogramDataPoint) (buckets, bool) {
	if p.Positive().BucketCounts().Len()+p.Negative().BucketCounts().Len() > maxBuckets {
		return buckets{}, false
	}
	pos, neg := p.Positive().BucketCounts().AsRaw(), p.Negative().BucketCounts().AsRaw()
	step := math.Exp2(-float64(p.Scale()))
	edge := func(offset int32, i int) float64 { return math.Exp2((float64(offset) + float64(i)) * step) }

	var b buckets
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
