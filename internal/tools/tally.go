package tools

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/analysis"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// counts is the part of a row that every query over spans selects; see durationBins.
type counts struct {
	Window uint8     `ch:"window"`
	N      uint64    `ch:"n"`
	Errors uint64    `ch:"errors"`
	Sum    uint64    `ch:"sum_ns"`
	Bins   []int16   `ch:"bins"`
	Counts []uint64  `ch:"bin_counts"`
	First  time.Time `ch:"first"`
}

// countColumns selects counts; the query adds its keys and GROUP BY.
const countColumns = `toUInt8(` + windowOf + `) AS window, count() AS n, countIf(status = 'error') AS errors,
        sum(duration_ns) AS sum_ns, min(time) AS first, ` + durationBins

// tally adds up rows of one group in one window.
type tally struct {
	n, errors, sumNS uint64
	bins             map[int64]uint64
	first            time.Time
}

func (t *tally) add(c counts) {
	t.n += c.N
	t.errors += c.Errors
	t.sumNS += c.Sum
	if t.bins == nil {
		t.bins = make(map[int64]uint64, len(c.Bins))
	}
	for i, b := range c.Bins {
		t.bins[int64(b)] += c.Counts[i]
	}
	if t.first.IsZero() || c.First.Before(t.first) {
		t.first = c.First
	}
}

func (t *tally) merge(o tally) {
	c := counts{N: o.n, Errors: o.errors, Sum: o.sumNS, First: o.first}
	for b, n := range o.bins {
		c.Bins, c.Counts = append(c.Bins, int16(b)), append(c.Counts, n)
	}
	if o.n > 0 {
		t.add(c)
	}
}

// quantileMS is quantile q in milliseconds, 0 when there is nothing.
func (t tally) quantileMS(q float64) float64 {
	bins := t.sorted()
	rank := q * float64(t.n)
	var below float64
	for i, b := range bins {
		below += float64(b.Count)
		if below >= rank || i == len(bins)-1 {
			return round(math.Exp2(float64(b.Index)/8) / 1e6)
		}
	}
	return 0
}

func (t tally) measure(seconds float64) result.Measure {
	return result.Measure{
		Requests: t.n, RatePerS: round(analysis.Ratio(float64(t.n), seconds)),
		Errors: t.errors, ErrorRatio: round(analysis.Ratio(float64(t.errors), float64(t.n))),
		MeanMS: round(analysis.Ratio(float64(t.sumNS), float64(t.n)) / 1e6),
		P50MS:  t.quantileMS(0.5), P95MS: t.quantileMS(0.95), P99MS: t.quantileMS(0.99),
	}
}

func (t tally) group(seconds float64) analysis.Group {
	return analysis.Group{
		Requests: t.n, Errors: t.errors, Seconds: seconds,
		P50MS: t.quantileMS(0.5), P95MS: t.quantileMS(0.95), Durations: t.sorted(),
	}
}

// cell is a group in all windows: healthy, the first two thirds of the fault window, and its tail.
type cell [3]tally

func (c *cell) add(row counts) { c[row.Window].add(row) }

// fault is both parts of the fault window together.
func (c *cell) fault() tally {
	var t tally
	t.merge(c[1])
	t.merge(c[2])
	return t
}

// change compares the windows. healthySeconds may be less than the healthy window when the service is younger.
func (c *cell) change(w windows, healthySeconds float64) result.Change {
	fault, tailSeconds := c.fault(), w.To.Sub(w.tailFrom()).Seconds()
	f, h := fault.measure(w.seconds()), c[0].measure(healthySeconds)
	j := analysis.Judge(fault.group(w.seconds()), c[2].group(tailSeconds), c[0].group(healthySeconds))
	return result.Change{
		Fault: f, Healthy: h,
		RateRatio: round(analysis.Ratio(f.RatePerS, h.RatePerS)),
		P50Ratio:  round(analysis.Ratio(f.P50MS, h.P50MS)), P95Ratio: round(analysis.Ratio(f.P95MS, h.P95MS)),
		ErrorZ: round(j.ErrorZ), LatencyZ: round(j.LatencyZ),
		Failing: j.Failing, Slow: j.Slow, Quiet: j.Quiet, Busy: j.Busy, Healed: j.Healed,
		New: c[0].n == 0,
	}
}

// meanMS is the mean duration of a request in milliseconds, 0 when there is none.
func (t tally) meanMS() float64 { return analysis.Ratio(float64(t.sumNS), float64(t.n)) / 1e6 }

// round keeps four significant digits, so that results are readable and do not depend on the order of additions.
func round(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}

func (t tally) sorted() []analysis.Bin {
	bins := make([]analysis.Bin, 0, len(t.bins))
	for i, n := range t.bins {
		bins = append(bins, analysis.Bin{Index: i, Count: n})
	}
	slices.SortFunc(bins, func(a, b analysis.Bin) int { return cmp.Compare(a.Index, b.Index) })
	return bins
}
