package promql

import (
	"cmp"
	"slices"
	"sort"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// Append adds points.
func (p *Points) Append(more Points) {
	p.At, p.Values = append(p.At, more.At...), append(p.Values, more.Values...)
}

// sorted returns points by time, those of one time by value. Points that are read come in runs, an hour or a part of the store each, which mostly
// only have to be put in order.
func (p Points) sorted() Points {
	if p.ascend() {
		return p
	}
	var runs [][2]int
	for begin, i := 0, 1; i <= len(p.At); i++ {
		if i == len(p.At) || p.At[i] <= p.At[i-1] {
			runs, begin = append(runs, [2]int{begin, i}), i
		}
	}
	slices.SortFunc(runs, func(a, b [2]int) int { return cmp.Compare(p.At[a[0]], p.At[b[0]]) })
	out := Points{At: make([]int64, 0, len(p.At)), Values: make([]float64, 0, len(p.At))}
	for _, r := range runs {
		out.Append(Points{p.At[r[0]:r[1]], p.Values[r[0]:r[1]]})
	}
	if !out.ascend() {
		sort.Sort(byTime(out))
	}
	return out
}

func (p Points) ascend() bool {
	for i := 1; i < len(p.At); i++ {
		if p.At[i] <= p.At[i-1] {
			return false
		}
	}
	return true
}

// byTime sorts points.
type byTime Points

func (p byTime) Len() int { return len(p.At) }

func (p byTime) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(p.At[i], p.At[j]), cmp.Compare(p.Values[i], p.Values[j])) < 0
}

func (p byTime) Swap(i, j int) {
	p.At[i], p.At[j] = p.At[j], p.At[i]
	p.Values[i], p.Values[j] = p.Values[j], p.Values[i]
}

// single returns sorted points with the first of each time.
func (p Points) single() Points {
	if p.ascend() {
		return p
	}
	out := Points{}
	for i, at := range p.At {
		if i == 0 || at != p.At[i-1] {
			out.At, out.Values = append(out.At, at), append(out.Values, p.Values[i])
		}
	}
	return out
}

// running returns deltas, by time, as their sum so far.
func (p Points) running() Points {
	out, total := Points{At: p.At, Values: make([]float64, len(p.Values))}, 0.0
	for i, v := range p.Values {
		total += v
		out.Values[i] = total
	}
	return out
}

// merged returns two lists of single points by time; of the same time the first's.
func (p Points) merged(other Points) Points {
	both := Points{make([]int64, 0, len(p.At)+len(other.At)), make([]float64, 0, len(p.At)+len(other.At))}
	for i, j := 0, 0; i < len(p.At) || j < len(other.At); {
		switch {
		case j == len(other.At) || i < len(p.At) && p.At[i] <= other.At[j]:
			if j < len(other.At) && p.At[i] == other.At[j] {
				j++
			}
			both.At, both.Values = append(both.At, p.At[i]), append(both.Values, p.Values[i])
			i++
		default:
			both.At, both.Values = append(both.At, other.At[j]), append(both.Values, other.Values[j])
			j++
		}
	}
	return both
}

// labelled is a series as the engine reads it.
type labelled struct {
	labels labels.Labels
	points Points
}

var _ storage.Series = (*labelled)(nil)

// Labels returns its labels.
func (s *labelled) Labels() labels.Labels { return s.labels }

// Iterator goes through its points.
func (s *labelled) Iterator(used chunkenc.Iterator) chunkenc.Iterator {
	it, ok := used.(*iterator)
	if !ok {
		it = &iterator{}
	}
	*it = iterator{points: s.points, at: -1}
	return it
}

// iterator goes through points.
type iterator struct {
	points Points
	at     int
}

func (it *iterator) Next() chunkenc.ValueType {
	it.at++
	return it.kind()
}

func (it *iterator) kind() chunkenc.ValueType {
	if it.at >= len(it.points.At) {
		return chunkenc.ValNone
	}
	return chunkenc.ValFloat
}

// Seek looks near first: the engine goes on by steps.
func (it *iterator) Seek(t int64) chunkenc.ValueType { //nolint:govet // it is chunkenc.Iterator's, not io.Seeker's
	it.at = max(it.at, 0)
	times := it.points.At
	for step := 1; it.at < len(times) && times[it.at] < t; step *= 2 {
		if next := it.at + step; next < len(times) && times[next] < t {
			it.at = next
			continue
		}
		within := times[it.at+1 : min(it.at+step, len(times))]
		n, _ := slices.BinarySearch(within, t)
		it.at += 1 + n
		break
	}
	return it.kind()
}

func (it *iterator) At() (int64, float64) { return it.points.At[it.at], it.points.Values[it.at] }
func (it *iterator) AtT() int64           { return it.points.At[it.at] }
func (it *iterator) AtST() int64          { return 0 }
func (it *iterator) Err() error           { return nil }

func (it *iterator) AtHistogram(*histogram.Histogram) (int64, *histogram.Histogram) {
	return it.AtT(), nil
}

func (it *iterator) AtFloatHistogram(*histogram.FloatHistogram) (int64, *histogram.FloatHistogram) {
	return it.AtT(), nil
}
