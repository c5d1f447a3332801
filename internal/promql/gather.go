package promql

import (
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// chosen is a stored series that a selector allows, with its labels; those of a histogram are without name and bound.
type chosen struct {
	Stored
	labels labels.Labels
	as     map[string]string // see wanted
}

// choose returns the series that a selector allows. Such with the same labels lie side by side, what counts from the point before apart.
func choose(listed []Stored, as map[Metric]map[string]string, matchers []*labels.Matcher) []chosen {
	var out []chosen
	b := labels.NewBuilder(labels.EmptyLabels())
	for _, s := range listed {
		c := chosen{Stored: s, as: as[s.Metric], labels: s.labels(b, as[s.Metric][""])}
		if s.Histogram && matchesAll(matchers, c.labels, nameLabel, boundLabel) || !s.Histogram && matchesAll(matchers, c.labels) {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b chosen) int {
		if n := labels.Compare(a.labels, b.labels); n != 0 || a.Delta == b.Delta {
			return n
		}
		if a.Delta {
			return 1
		}
		return -1
	})
	return out
}

// same says whether two are one series: what else tells them apart, as their resource, PromQL does not see.
func (c chosen) same(other chosen) bool {
	return c.Delta == other.Delta && c.Name == other.Name && labels.Equal(c.labels, other.labels)
}

func storedOf(list []chosen) []Stored {
	out := make([]Stored, len(list))
	for i, c := range list {
		out[i] = c.Stored
	}
	return out
}

// gathered are the series of a selector.
type gathered []*labelled

// put adds a series, whose points are single.
func (g *gathered) put(l labels.Labels, p Points) {
	if len(p.At) > 0 {
		*g = append(*g, &labelled{l, p})
	}
}

// add adds series of numbers with their points.
func (g *gathered) add(list []chosen, points []Points) {
	for i := 0; i < len(list); {
		all, next := points[i], i+1
		for ; next < len(list) && list[i].same(list[next]); next++ {
			all.Append(points[next])
		}
		all = all.sorted()
		if list[i].Delta {
			all = all.running()
		}
		g.put(list[i].labels, all.single())
		i = next
	}
}

// set has the series by labels, and one of each.
func (g gathered) set() storage.SeriesSet {
	slices.SortStableFunc(g, func(a, b *labelled) int { return labels.Compare(a.labels, b.labels) })
	var out []*labelled
	for _, s := range g {
		if n := len(out); n > 0 && labels.Equal(out[n-1].labels, s.labels) {
			out[n-1].points = out[n-1].points.merged(s.points)
			continue
		}
		out = append(out, s)
	}
	return &seriesSet{series: out, at: -1}
}
