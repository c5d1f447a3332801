package analysis

import (
	"cmp"
	"math"
	"slices"
)

// Bin counts the values that fell into one bin of a histogram; bins of a greater index hold greater values.
type Bin struct {
	Index int64
	Count uint64
}

// RankSumZ is the Mann-Whitney z of a against b with ties corrected: positive when values of a tend to be greater. Values
// in one bin are ties. Each side needs at least one value, else it is 0.
func RankSumZ(a, b []Bin) float64 {
	type tie struct{ a, b float64 }
	ties := map[int64]tie{}
	var n, m float64
	for _, x := range a {
		t := ties[x.Index]
		t.a += float64(x.Count)
		ties[x.Index] = t
		n += float64(x.Count)
	}
	for _, x := range b {
		t := ties[x.Index]
		t.b += float64(x.Count)
		ties[x.Index] = t
		m += float64(x.Count)
	}
	if n == 0 || m == 0 {
		return 0
	}
	indexes := make([]int64, 0, len(ties))
	for i := range ties {
		indexes = append(indexes, i)
	}
	slices.SortFunc(indexes, cmp.Compare)
	var below, ranks, correction float64
	for _, i := range indexes {
		t := ties[i]
		size := t.a + t.b
		ranks += t.a * (below + (size+1)/2)
		correction += size*size*size - size
		below += size
	}
	total := n + m
	u := ranks - n*(n+1)/2
	variance := n * m / 12 * (total + 1 - correction/(total*max(total-1, 1)))
	if variance <= 0 {
		return 0
	}
	return (u - n*m/2) / math.Sqrt(variance)
}

func sorted(bins []Bin) []Bin {
	return slices.SortedFunc(slices.Values(bins), func(a, b Bin) int { return cmp.Compare(a.Index, b.Index) })
}
