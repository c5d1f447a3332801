package promql

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"
)

// addHistograms adds the series of histograms that a selector asks for.
func (g *gathered) addHistograms(list []chosen, read []Histogram, matchers []*labels.Matcher) {
	slices.SortStableFunc(read, func(a, b Histogram) int {
		return cmp.Or(cmp.Compare(a.Series, b.Series), slices.Compare(a.Bounds, b.Bounds))
	})
	for i := 0; i < len(list); {
		next := i + 1
		for next < len(list) && list[i].same(list[next]) {
			next++
		}
		var parts []Histogram
		for len(read) > 0 && read[0].Series < next {
			parts, read = append(parts, read[0]), read[1:]
		}
		slices.SortStableFunc(parts, func(a, b Histogram) int { return slices.Compare(a.Bounds, b.Bounds) })
		g.addHistogram(list[i], parts, matchers)
		i = next
	}
}

// sorted is h by time.
func (h Histogram) sorted() Histogram {
	if slices.IsSorted(h.At) {
		return h
	}
	order := make([]int, len(h.At))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(h.At[a], h.At[b]) })
	width := len(h.Counts) / len(h.At)
	out := Histogram{Series: h.Series, Bounds: h.Bounds}
	for _, i := range order {
		out.At, out.Count, out.Sum = append(out.At, h.At[i]), append(out.Count, h.Count[i]), append(out.Sum, h.Sum[i])
		out.Counts = append(out.Counts, h.Counts[i*width:(i+1)*width]...)
	}
	return out
}

// addHistogram adds the series of one histogram, of which parts that follow one another may have the same bounds.
func (g *gathered) addHistogram(c chosen, parts []Histogram, matchers []*labels.Matcher) {
	if len(parts) == 0 {
		return
	}
	b := labels.NewBuilder(c.labels)
	put := func(suffix, bound string, at []int64, values []float64) {
		b.Set(nameLabel, c.as[suffix])
		b.Set(boundLabel, bound)
		if l := b.Labels(); matchesAll(matchers, l) {
			p := Points{at, values}
			if c.Delta {
				p = p.running()
			}
			g.put(l, p.single())
		}
	}
	if _, ok := c.as[bucketSuffix]; ok {
		for _, h := range byBounds(parts) {
			for i, values := range h.below() {
				bound := math.Inf(1)
				if i < len(h.Bounds) {
					bound = h.Bounds[i]
				}
				put(bucketSuffix, strconv.FormatFloat(bound, 'g', -1, 64), h.At, values)
			}
		}
	}
	for i := range parts {
		parts[i].Counts = nil
	}
	all := joined(parts)
	if _, ok := c.as[sumSuffix]; ok {
		put(sumSuffix, "", all.At, all.Sum)
	}
	if _, ok := c.as[countSuffix]; ok {
		count := make([]float64, len(all.Count))
		for i, n := range all.Count {
			count[i] = float64(n)
		}
		put(countSuffix, "", all.At, count)
	}
}

// byBounds joins parts that have the same bounds.
func byBounds(parts []Histogram) (out []Histogram) {
	for len(parts) > 0 {
		n := 1
		for n < len(parts) && slices.Equal(parts[n].Bounds, parts[0].Bounds) {
			n++
		}
		whole := joined(parts[:n])
		whole.Bounds, out, parts = parts[0].Bounds, append(out, whole), parts[n:]
	}
	return out
}

// joined is the points of all parts by time, which have the same bounds or no buckets.
func joined(parts []Histogram) Histogram {
	whole := parts[0]
	whole.At, whole.Count = concat(parts, func(h Histogram) []int64 { return h.At }), concat(parts, func(h Histogram) []uint64 { return h.Count })
	whole.Sum, whole.Counts = concat(parts, func(h Histogram) []float64 { return h.Sum }), concat(parts, func(h Histogram) []uint64 { return h.Counts })
	return whole.sorted()
}

// concat is a column of all parts.
func concat[T any](parts []Histogram, column func(Histogram) []T) []T {
	all := make([][]T, len(parts))
	for i, h := range parts {
		all[i] = column(h)
	}
	return slices.Concat(all...)
}

// below is for each bound, and for no bound, how many values of each point were at most that.
func (h Histogram) below() [][]float64 {
	width, all := len(h.Bounds)+1, make([]float64, len(h.Counts))
	out := make([][]float64, width)
	for i := range out {
		out[i] = all[i*len(h.At) : (i+1)*len(h.At)]
	}
	for i := range h.At {
		sum := 0.0
		for b, n := range h.Counts[i*width : (i+1)*width] {
			sum += float64(n)
			out[b][i] = sum
		}
	}
	return out
}
