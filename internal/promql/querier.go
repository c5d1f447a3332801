package promql

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// querier reads for one expression. The engine asks one selector after the other.
type querier struct {
	source Source
	names  []Metric        // that were sent on those days
	sent   map[Metric]bool // that points were read of
	left   int             // points that may still be read
	failed error           // what went wrong when reading
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
	return series.set()
}

// load lists the metrics of the days between two times: whole days, so that who asks often may remember the answer.
func (q *querier) load(ctx context.Context, from, to time.Time) (err error) {
	q.names, err = q.source.Metrics(ctx, from.UTC().Truncate(24*time.Hour), to.UTC().Truncate(24*time.Hour))
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

// read finds the series that a selector means, and then reads their points.
func (q *querier) read(ctx context.Context, from, to time.Time, matchers []*labels.Matcher) (gathered, error) {
	var names []Metric
	as, buckets := map[Metric]map[string]string{}, false
	for _, w := range q.named(matchers) {
		names, as[w.Metric] = append(names, w.Metric), w.as
		buckets = buckets || w.as[bucketSuffix] != ""
	}
	if len(names) == 0 {
		return nil, nil
	}
	listed, err := q.source.Series(ctx, names, serviceOf(matchers), from, to)
	if err != nil {
		return nil, err
	}
	var numbers, histograms []chosen
	for _, c := range choose(listed, as, matchers) {
		if c.Histogram {
			histograms = append(histograms, c)
		} else {
			numbers = append(numbers, c)
		}
	}
	var out gathered
	if err := q.numbers(ctx, &out, numbers, from, to); err != nil {
		return nil, err
	}
	if err := q.histograms(ctx, &out, histograms, buckets, from, to, matchers); err != nil {
		return nil, err
	}
	if q.left < 0 {
		return nil, fmt.Errorf("%w: it reads more than %d points; name a service, or ask for less time", ErrExpression, maxPoints)
	}
	return out, nil
}

// serviceOf is the one service that a selector asks for.
func serviceOf(matchers []*labels.Matcher) (service string) {
	for _, m := range matchers {
		if m.Name == serviceLabel && m.Type == labels.MatchEqual {
			service = m.Value
		}
	}
	return service
}

func (q *querier) numbers(ctx context.Context, out *gathered, list []chosen, from, to time.Time) error {
	if len(list) == 0 {
		return nil
	}
	points, err := q.source.Points(ctx, storedOf(list), from, to, q.left)
	if err != nil {
		return err
	}
	for i, p := range points {
		q.count(list[i].Metric, len(p.At))
	}
	out.add(list, points)
	return nil
}

func (q *querier) histograms(ctx context.Context, out *gathered, list []chosen, buckets bool, from, to time.Time, matchers []*labels.Matcher) error {
	if len(list) == 0 {
		return nil
	}
	read, err := q.source.Histograms(ctx, storedOf(list), buckets, from, to, q.left)
	if err != nil {
		return err
	}
	for _, h := range read {
		q.count(list[h.Series].Metric, 2*len(h.At)+len(h.Counts))
	}
	out.addHistograms(list, read, matchers)
	return nil
}

// count counts points that were read.
func (q *querier) count(m Metric, points int) {
	q.left -= points
	if points > 0 {
		q.sent[m] = true
	}
}

// seriesSet is a list of series.
type seriesSet struct {
	series []*labelled
	at     int
}

func (s *seriesSet) Next() bool                        { s.at++; return s.at < len(s.series) }
func (s *seriesSet) At() storage.Series                { return s.series[s.at] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }
