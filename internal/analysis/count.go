package analysis

import "math"

// ProportionZ is the pooled two-proportion z: how many standard errors a of n lies above b of m. With no b it is compared
// with the rule-of-succession estimate of b, so that one error after few healthy requests proves nothing.
func ProportionZ(a, n, b, m uint64) float64 {
	if n == 0 || m == 0 {
		return 0
	}
	fn, fm := float64(n), float64(m)
	p := (float64(a) + float64(b) + 1) / (fn + fm + 2) // never 0 or 1
	return (float64(a)/fn - float64(b)/fm) / math.Sqrt(p*(1-p)*(1/fn+1/fm))
}

// RateZ is how many standard errors a events in s seconds lie above b events in t seconds, by the normal approximation of
// the binomial that a follows given a+b.
func RateZ(a uint64, s float64, b uint64, t float64) float64 {
	total := float64(a + b)
	if total == 0 || s <= 0 || t <= 0 {
		return 0
	}
	share := s / (s + t)
	return (float64(a) - total*share) / math.Sqrt(total*share*(1-share))
}
