package ingest

import (
	"math"
	"slices"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/midwatch/midwatch/ingest/block"
)

// histogramColumns is rows of the table histograms.
type histogramColumns struct {
	pointColumns
	count, sum, min, max *block.Fixed
	bounds, bucketCounts *block.Array[*block.Fixed]
}

func newHistogramColumns() *histogramColumns {
	return &histogramColumns{
		newPointColumns(), block.UInt64(), block.Float64(), block.Float64(), block.Float64(), block.NewArray(block.Float64()), block.NewArray(block.UInt64()),
	}
}

func (c *histogramColumns) chunk(d day) *chunk {
	return c.pointColumns.chunk("histograms", d, "start_time",
		block.Named{Name: "count", Column: c.count},
		block.Named{Name: "sum", Column: c.sum},
		block.Named{Name: "min", Column: c.min},
		block.Named{Name: "max", Column: c.max},
		block.Named{Name: "bounds", Column: c.bounds},
		block.Named{Name: "counts", Column: c.bucketCounts})
}

// exponentialColumns is rows of the table exponential_histograms.
type exponentialColumns struct {
	pointColumns
	count, sum, min, max, zeroCount, zeroThreshold *block.Fixed
	scale, positiveOffset, negativeOffset          *block.Fixed
	positive, negative                             *block.Array[*block.Fixed]
}

func newExponentialColumns() *exponentialColumns {
	number := func() *block.Fixed { return block.NewFixed("Int32", 4) }
	return &exponentialColumns{
		newPointColumns(), block.UInt64(), block.Float64(), block.Float64(), block.Float64(), block.UInt64(), block.Float64(),
		number(), number(), number(), block.NewArray(block.UInt64()), block.NewArray(block.UInt64()),
	}
}

func (c *exponentialColumns) chunk(d day) *chunk {
	return c.pointColumns.chunk("exponential_histograms", d, "start_time",
		block.Named{Name: "count", Column: c.count},
		block.Named{Name: "sum", Column: c.sum},
		block.Named{Name: "min", Column: c.min},
		block.Named{Name: "max", Column: c.max},
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

func (r *rows) addHistograms(of metric, h pmetric.Histogram) {
	kind, ok := temporal(h.AggregationTemporality(), kindHistogramDelta, kindHistogramCumulative)
	if !ok {
		r.rejectAll(noTemporality, h.DataPoints().Len())
		return
	}
	of.kind = kind
	of = of.hashed()
	for _, p := range h.DataPoints().All() {
		if p.Flags().NoRecordedValue() {
			r.tally.note(noRecordedValue)
			continue
		}
		b := buckets{p.ExplicitBounds().AsRaw(), p.BucketCounts().AsRaw()}
		if !b.valid() {
			r.tally.reject(badHistogram)
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

func (r *rows) addHistogram(at point, p pmetric.HistogramDataPoint, b buckets) {
	c := on(&r.histograms, at.at, newHistogramColumns)
	c.add(at, r.batch)
	c.count.Put64(p.Count())
	c.sum.PutFloat(p.Sum())
	c.min.PutFloat(given(p.Min(), p.HasMin()))
	c.max.PutFloat(given(p.Max(), p.HasMax()))
	for _, bound := range b.bounds {
		c.bounds.Items.PutFloat(bound)
	}
	c.bounds.End()
	putCounts(c.bucketCounts, b.counts)
}

func (r *rows) addExponentialHistograms(of metric, h pmetric.ExponentialHistogram) {
	kind, ok := temporal(h.AggregationTemporality(), kindExponentialDelta, kindExponentialCumulative)
	if !ok {
		r.rejectAll(noTemporality, h.DataPoints().Len())
		return
	}
	of.kind = kind
	of = of.hashed()
	for _, p := range h.DataPoints().All() {
		if p.Flags().NoRecordedValue() {
			r.tally.note(noRecordedValue)
			continue
		}
		r.addExponentialHistogram(of, p)
	}
}

func (r *rows) addExponentialHistogram(of metric, p pmetric.ExponentialHistogramDataPoint) {
	if _, ok := explicit(p); !ok {
		r.tally.reject(badHistogram)
		return
	}
	positive, negative := p.Positive().BucketCounts().AsRaw(), p.Negative().BucketCounts().AsRaw()
	at, ok := r.point(of, p.Timestamp(), p.StartTimestamp(), r.attributesOf(p.Attributes()), 8*(len(positive)+len(negative)))
	if !ok {
		return
	}
	c := on(&r.exponentials, at.at, newExponentialColumns)
	c.add(at, r.batch)
	c.count.Put64(p.Count())
	c.sum.PutFloat(p.Sum())
	c.min.PutFloat(given(p.Min(), p.HasMin()))
	c.max.PutFloat(given(p.Max(), p.HasMax()))
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
	pos, neg := p.Positive().BucketCounts().AsRaw(), p.Negative().BucketCounts().AsRaw()
	if len(pos)+len(neg) > maxBuckets {
		return buckets{}, false
	}
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
