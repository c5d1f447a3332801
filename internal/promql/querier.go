package promql

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// querier reads for one expression. The engine asks one selector after the other.
type querier struct {
	source Source
	names  []Metric // that were sent
	left   int      // points that may still be read
	failed error    // what went wrong when reading
}

// Querier makes it a storage.Queryable.
func (q *querier) Querier(int64, int64) (storage.Querier, error) { return q, nil }

// LabelValues and LabelNames are asked for by nothing that evaluates.
func (q *querier) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

// LabelNames is LabelValues.
func (q *querier) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

// Close keeps nothing.
func (q *querier) Close() error { return nil }

// Select reads what a selector means.
func (q *querier) Select(ctx context.Context, _ bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	series, err := q.read(ctx, time.UnixMilli(hints.Start), time.UnixMilli(hints.End), matchers)
	if err != nil {
		q.failed = err
		return storage.ErrSeriesSet(err)
	}
	slices.SortFunc(series, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	return &seriesSet{series: series, at: -1}
}

func (q *querier) load(ctx context.Context, from, to time.Time) (err error) {
	q.names, err = q.source.Metrics(ctx, from, to)
	return err
}

// wanted is a stored metric and the names of its series that a selector asks for.
type wanted struct {
	Metric
	as map[string]string // suffix → name; "" for a metric that is no histogram
}

// named finds the metrics whose names a selector allows.
func (q *querier) named(matchers []*labels.Matcher) []wanted {
	var out []wanted
	for _, m := range q.names {
		suffixes := []string{""}
		if m.Histogram {
			suffixes = histogramSuffixes
		}
		w := wanted{Metric: m, as: map[string]string{}}
		for _, suffix := range suffixes {
			for _, name := range []string{Translate(m.Name + suffix), m.Name + suffix} {
				if _, known := w.as[suffix]; !known && matches(matchers, nameLabel, name) {
					w.as[suffix] = name
				}
			}
		}
		if len(w.as) > 0 {
			out = append(out, w)
		}
	}
	return out
}

func (q *querier) read(ctx context.Context, from, to time.Time, matchers []*labels.Matcher) ([]storage.Series, error) {
	names := map[bool][]string{}
	as := map[Metric]map[string]string{}
	for _, w := range q.named(matchers) {
		names[w.Histogram] = append(names[w.Histogram], w.Name)
		as[w.Metric] = w.as
	}
	service := ""
	for _, m := range matchers {
		if m.Name == serviceLabel && m.Type == labels.MatchEqual {
			service = m.Value
		}
	}
	found := gathered{matchers: matchers, series: map[string]*gatheredSeries{}}
	if len(names[false]) > 0 {
		stored, err := q.source.Read(ctx, names[false], service, from, to, q.left)
		if err != nil {
			return nil, err
		}
		for _, s := range stored {
			q.left -= len(s.At)
			found.add(s, as[Metric{Name: s.Name}][""])
		}
	}
	if len(names[true]) > 0 {
		stored, err := q.source.ReadHistograms(ctx, names[true], service, from, to, q.left)
		if err != nil {
			return nil, err
		}
		for _, h := range stored {
			q.left -= len(h.At) * (len(h.Bounds) + 3)
			found.addHistogram(h, as[Metric{Name: h.Name, Histogram: true}])
		}
	}
	if q.left < 0 {
		return nil, fmt.Errorf("%w: it reads more than %d points; name a service, or ask for less time", ErrExpression, maxPoints)
	}
	return found.list(), nil
}

func matches(matchers []*labels.Matcher, name, value string) bool {
	for _, m := range matchers {
		if m.Name == name && !m.Matches(value) {
			return false
		}
	}
	return true
}

// gathered are series by their labels: what is stored apart only because its attributes came in another order is one series.
type gathered struct {
	matchers []*labels.Matcher
	series   map[string]*gatheredSeries
}

type gatheredSeries struct {
	labels  labels.Labels
	samples []chunks.Sample
}

// put adds samples of a series if a selector allows its labels.
func (g *gathered) put(l labels.Labels, samples []chunks.Sample) {
	for _, m := range g.matchers {
		if !m.Matches(l.Get(m.Name)) {
			return
		}
	}
	key := l.String()
	if g.series[key] == nil {
		g.series[key] = &gatheredSeries{labels: l}
	}
	g.series[key].samples = append(g.series[key].samples, samples...)
}

// list has the samples of each series by time, one for each moment.
func (g *gathered) list() []storage.Series {
	var out []storage.Series
	for _, s := range g.series {
		slices.SortStableFunc(s.samples, func(a, b chunks.Sample) int { return int(a.T() - b.T()) })
		s.samples = slices.CompactFunc(s.samples, func(a, b chunks.Sample) bool { return a.T() == b.T() })
		out = append(out, storage.NewListSeries(s.labels, s.samples))
	}
	return out
}

// seriesSet is a list of series.
type seriesSet struct {
	series []storage.Series
	at     int
}

func (s *seriesSet) Next() bool                        { s.at++; return s.at < len(s.series) }
func (s *seriesSet) At() storage.Series                { return s.series[s.at] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }

// Translate is a name as PromQL allows it.
func Translate(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == ':' {
			return r
		}
		return '_'
	}, name)
}
