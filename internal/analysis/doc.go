// Package analysis is the statistics behind tools, detectors and the built-in analyst: pure functions over slices, no
// clock, no I/O. Every function is defined for empty and one-sample input; what cannot be known is 0, never NaN.
//
// Sources: rank sums with ties after Mann and Whitney (1947) in the normal approximation of Lehmann (1975); the pooled
// two-proportion z test; the conditional test of two Poisson rates after Przyborowski and Wilenski (1940); the slope of
// Theil (1950) and Sen (1968); one change point in a binomial series by maximum likelihood after Hinkley (1970);
// templates of log lines by Drain of He, Zhu, Zheng and Lyu (2017).
package analysis
