package analysis

import (
	"math"
	"slices"
)

// Step is one step of a series: hits of total requests were bad.
type Step struct {
	Total, Hits uint64
}

// Onset is the index of the first step after which the share of hits is higher than before, the split that makes the
// series most likely. It is -1 when no split has a higher share after it.
func Onset(steps []Step) int {
	sum := Sum(steps)
	total, hits := sum.Total, sum.Hits
	best, at := 0.0, -1
	whole := likelihood(hits, total)
	var n, k uint64
	for i, s := range steps {
		if n > 0 && total > n {
			before, after := float64(k)/float64(n), float64(hits-k)/float64(total-n)
			gain := likelihood(k, n) + likelihood(hits-k, total-n) - whole
			if after > before && gain > best {
				best, at = gain, i
			}
		}
		n += s.Total
		k += min(s.Hits, s.Total)
	}
	return at
}

// Span is Onset with an end: in steps[from:to] the share of hits is higher than before; to is len(steps) unless the share fell again
// by at least half of its rise. from is -1 when there is no onset.
func Span(steps []Step) (from, to int) {
	from = Onset(steps)
	if from < 0 {
		return -1, 0
	}
	backwards := slices.Clone(steps[from:])
	slices.Reverse(backwards)
	end := Onset(backwards)
	if end < 0 {
		return from, len(steps)
	}
	to = len(steps) - end
	before, during, after := Sum(steps[:from]).share(), Sum(steps[from:to]).share(), Sum(steps[to:]).share()
	if after-before > (during-before)/2 {
		return from, len(steps)
	}
	return from, to
}

// Sum of steps.
func Sum(steps []Step) (sum Step) {
	for _, s := range steps {
		sum.Total += s.Total
		sum.Hits += min(s.Hits, s.Total)
	}
	return sum
}

func (s Step) share() float64 { return Ratio(float64(s.Hits), float64(s.Total)) }

// likelihood is the logarithm of the maximum likelihood of k hits in n.
func likelihood(k, n uint64) float64 {
	if k == 0 || k >= n {
		return 0
	}
	p := float64(k) / float64(n)
	return float64(k)*math.Log(p) + float64(n-k)*math.Log(1-p)
}
