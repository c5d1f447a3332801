package remotewrite

import (
	"math"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/value"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Schemas of native histograms: exponential ones double within 2^schema buckets.
const (
	minSchema = -4
	maxSchema = 8
	custom    = histogram.CustomBucketsSchema
)

// maxBuckets of a histogram, the empty ones between others included.
const maxBuckets = 2048

func (b *builder) addNatives(to *resource, s series) {
	exemplars := s.exemplars // they belong to the last point
	if len(s.samples) > 0 || len(s.histograms) == 0 {
		exemplars = nil // which is, or stands in for, a sample
	}
	for i, n := range s.histograms {
		last := i == len(s.histograms)-1
		on, why := addNative(to, s, n)
		b.out.reject(why, 1)
		switch {
		case !last:
		case why == "":
			b.addExemplars(on, exemplars)
		default:
			b.out.reject(BadExemplar, len(exemplars))
		}
	}
}

func addNative(to *resource, s series, n native) (pmetric.ExemplarSlice, Reason) {
	switch {
	case n.is == nil || n.is.CounterResetHint == histogram.GaugeType:
		return pmetric.ExemplarSlice{}, FloatNative
	case n.is.Schema == custom:
		return addCustom(to, s, n)
	}
	return addExponential(to, s, n)
}

func addExponential(to *resource, s series, n native) (pmetric.ExemplarSlice, Reason) {
	positiveAt, positive, ok := dense(n.is.PositiveSpans, n.is.PositiveBuckets)
	negativeAt, negative, fits := dense(n.is.NegativeSpans, n.is.NegativeBuckets)
	if !ok || !fits || n.is.Schema < minSchema || n.is.Schema > maxSchema || !finite(n.is.ZeroThreshold) || n.is.ZeroThreshold < 0 {
		return pmetric.ExemplarSlice{}, BadNative
	}
	p := to.metric(pmetric.MetricTypeExponentialHistogram, s, true).ExponentialHistogram().DataPoints().AppendEmpty()
	p.SetTimestamp(pcommon.Timestamp(nanoseconds(n.at)))
	p.SetStartTimestamp(start(n.start))
	put(p.Attributes(), s.labels)
	if value.IsStaleNaN(n.is.Sum) {
		p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
		return p.Exemplars(), ""
	}
	p.SetCount(n.is.Count)
	p.SetSum(n.is.Sum)
	p.SetScale(n.is.Schema)
	p.SetZeroCount(n.is.ZeroCount)
	p.SetZeroThreshold(n.is.ZeroThreshold)
	// A bucket of Prometheus is named by its upper bound, one of OTLP by its lower.
	p.Positive().SetOffset(positiveAt - 1)
	p.Positive().BucketCounts().FromRaw(positive)
	p.Negative().SetOffset(negativeAt - 1)
	p.Negative().BucketCounts().FromRaw(negative)
	return p.Exemplars(), ""
}

// addCustom makes a histogram with explicit bounds: bucket i holds what is at most bounds[i], the last what is above all.
func addCustom(to *resource, s series, n native) (pmetric.ExemplarSlice, Reason) {
	bounds := n.is.CustomValues
	first, filled, ok := dense(n.is.PositiveSpans, n.is.PositiveBuckets)
	if !ok || first < 0 || int(first)+len(filled) > len(bounds)+1 || len(bounds) > maxBuckets {
		return pmetric.ExemplarSlice{}, BadNative
	}
	for i, v := range bounds {
		if !finite(v) || i > 0 && v <= bounds[i-1] {
			return pmetric.ExemplarSlice{}, BadNative
		}
	}
	p := to.metric(pmetric.MetricTypeHistogram, s, true).Histogram().DataPoints().AppendEmpty()
	p.SetTimestamp(pcommon.Timestamp(nanoseconds(n.at)))
	p.SetStartTimestamp(start(n.start))
	put(p.Attributes(), s.labels)
	if value.IsStaleNaN(n.is.Sum) {
		p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
		return p.Exemplars(), ""
	}
	counts := make([]uint64, len(bounds)+1)
	copy(counts[first:], filled)
	p.SetCount(n.is.Count)
	p.SetSum(n.is.Sum)
	p.ExplicitBounds().FromRaw(bounds)
	p.BucketCounts().FromRaw(counts)
	return p.Exemplars(), ""
}

// dense writes out buckets that are told as spans and as differences: the index of the first, and all counts from there. Not ok: they do not
// fit each other, are too many, or one is negative.
func dense(spans []histogram.Span, deltas []int64) (first int32, counts []uint64, ok bool) {
	total, used := int64(0), int64(0)
	for i, s := range spans {
		if i > 0 && s.Offset < 0 {
			return 0, nil, false
		}
		if i > 0 {
			total += int64(s.Offset)
		}
		total, used = total+int64(s.Length), used+int64(s.Length)
		if total > maxBuckets {
			return 0, nil, false
		}
	}
	if used != int64(len(deltas)) {
		return 0, nil, false
	}
	if len(spans) == 0 {
		return 0, nil, true
	}
	if first = spans[0].Offset; first == math.MinInt32 { // one less must be a number, too
		return 0, nil, false
	}
	counts = make([]uint64, 0, total)
	n := int64(0)
	for i, s := range spans {
		if i > 0 {
			counts = append(counts, make([]uint64, s.Offset)...)
		}
		for range s.Length {
			if n += deltas[0]; n < 0 {
				return 0, nil, false
			}
			deltas = deltas[1:]
			counts = append(counts, uint64(n))
		}
	}
	return first, counts, true
}
