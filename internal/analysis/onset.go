package analysis

import "math"

// Step is one step of a series: hits of total requests were bad.
type Step struct {
	Total, Hits uint64
}

// Onset is the index of the first step after which the share of hits is higher than before, the split that makes the
// series most likely. It is -1 when no split has a higher share after it.
func Onset(steps []Step) int {
	var total, hits uint64
	for _, s := range steps {
		total += s.Total
		hits += min(s.Hits, s.Total)
	}
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

// likelihood is the logarithm of the maximum likelihood of k hits in n.
func likelihood(k, n uint64) float64 {
	if k == 0 || k >= n {
		return 0
	}
	p := float64(k) / float64(n)
	return float64(k)*math.Log(p) + float64(n-k)*math.Log(1-p)
}
