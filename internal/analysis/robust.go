package analysis

import (
	"math"
	"slices"
)

// Median of values, 0 when there are none. values is not changed.
func Median(values []float64) float64 { return Quantile(values, 0.5) }

// Quantile q (0..1) of values by linear interpolation, 0 when there are none. values is not changed.
func Quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	at := min(max(q, 0), 1) * float64(len(sorted)-1)
	low := int(at)
	if low+1 == len(sorted) {
		return sorted[low]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}

// MAD is the median absolute deviation, scaled by 1.4826 so that it estimates the standard deviation of normal data.
func MAD(values []float64) float64 {
	center := Median(values)
	deviations := make([]float64, len(values))
	for i, v := range values {
		deviations[i] = math.Abs(v - center)
	}
	return 1.4826 * Median(deviations)
}

// Slope is the median of the slopes between all pairs of points (Theil-Sen): the unit of y per unit of x, 0 with fewer
// than two distinct x. Points past 256 are thinned evenly.
func Slope(x, y []float64) float64 {
	n := min(len(x), len(y))
	step := max(1, n/256)
	var slopes []float64
	for i := 0; i < n; i += step {
		for j := i + step; j < n; j += step {
			if dx := x[j] - x[i]; dx != 0 {
				slopes = append(slopes, (y[j]-y[i])/dx)
			}
		}
	}
	return Median(slopes)
}

// Ratio is a/b, 0 when b is 0: unknown.
func Ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
