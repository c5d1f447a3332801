package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"time"

	"github.com/midwatch/midwatch/bench/figure"
	"github.com/midwatch/midwatch/bench/questions"
	"github.com/midwatch/midwatch/bench/rig"
	"github.com/midwatch/midwatch/internal/store"
)

// maxTime is the bar of docs/ingest.md: the most that a question may take of the time that it takes on the exporter's tables.
const maxTime = 0.5

// measure asks every question of both sides in turns.
func measure(ctx context.Context, o options) (figures []figure.Figure, err error) {
	dir := o.data
	if dir == "" {
		if dir, err = os.MkdirTemp("", "midwatch-bench-query-"); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	s, err := open(ctx, o, dir)
	defer func() { err = errors.Join(err, s.close()) }()
	if err != nil {
		return nil, err
	}
	if s.pieces, err = s.someIDs(ctx, o.warm+o.runs); err != nil {
		return nil, err
	}
	fmt.Printf("%d log records, %d spans; each question %d times after %d that do not count\n", s.load.Logs, s.load.Spans, o.runs, o.warm)
	differ := 0
	for _, q := range append([]questions.Question{questions.Nothing()}, questions.All()...) {
		ours, theirs, differs, err := s.compare(ctx, q, o)
		if err != nil {
			return figures, fmt.Errorf("%s: %w", q.Name, err)
		}
		if differs != nil {
			differ++
			fmt.Printf("%s: the answers differ: %s\n", q.Name, differs)
		}
		fmt.Printf("%-13s midwatch %8.1f ms, p95 %8.1f; collector %8.1f ms, p95 %8.1f; %s\n", q.Name, ours.at(0.5), ours.at(0.95), theirs.at(0.5), theirs.at(0.95), q.What)
		if q.Name == questions.Nothing().Name {
			continue
		}
		figures = append(figures,
			figure.AtMost("query_"+q.Name+"_median", ours.at(0.5)/theirs.at(0.5), "x", maxTime),
			figure.AtMost("query_"+q.Name+"_p95", ours.at(0.95)/theirs.at(0.95), "x", maxTime))
	}
	return append(figures, figure.AtMost("query_answers_differ", float64(differ), "questions", 0)), nil
}

// times are how long answers took, in ms.
type times []float64

func (t times) at(quantile float64) float64 {
	return t[int(math.Ceil(quantile*float64(len(t))))-1]
}

// compare asks a question as often as is wanted, first ours then theirs, then the other way round. It also says how the first answers that
// differ do.
func (s sides) compare(ctx context.Context, q questions.Question, o options) (ours, theirs times, differs, err error) {
	for n := range o.warm + o.runs {
		var a, b answer
		for turn := range 2 {
			if (n+turn)%2 == 0 {
				a, err = s.ask(ctx, s.ours, q.Ours, q.Newest, n)
			} else {
				b, err = s.ask(ctx, s.theirs, q.Theirs, 0, n)
			}
			if err != nil {
				return nil, nil, nil, err
			}
		}
		if differs == nil {
			differs = a.same(b, q.About)
		}
		if n >= o.warm {
			ours, theirs = append(ours, a.took), append(theirs, b.took)
		}
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	return ours, theirs, differs, nil
}

// someIDs returns pieces of the ids of n requests, as the logs have them.
func (s sides) someIDs(ctx context.Context, n int) (pieces []string, err error) {
	err = s.theirs.DB.QueryRow(ctx, "SELECT groupArray(substring(extract(Body, 'request_id=([0-9a-f]+)'), 5, 16)) FROM (SELECT Body FROM otel_logs LIMIT ?)", n).Scan(&pieces)
	if err == nil && len(pieces) < n {
		err = fmt.Errorf("there are only %d log records", len(pieces))
	}
	return pieces, err
}

// answer is what a side said.
type answer struct {
	rows [][]any
	took float64 // ms, until the last row was read
}

// ask asks one side, of the newest rows in widening windows.
func (s sides) ask(ctx context.Context, side *rig.Side, sql string, newest, n int) (a answer, err error) {
	l := s.load
	in := func(ctx context.Context, from, to time.Time) ([][]any, error) {
		return read(ctx, side, sql, questions.Parameters(from, to, n, l.Trace(n*7919%(l.Spans/10)), s.pieces[n]))
	}
	began, to := time.Now(), l.Start.Add(l.Span+time.Minute)
	if newest > 0 {
		a.rows, err = store.Newest(ctx, l.Start, to, newest, in)
	} else {
		a.rows, err = in(ctx, l.Start, to)
	}
	a.took = float64(time.Since(began).Microseconds()) / 1000
	return a, err
}

func read(ctx context.Context, s *rig.Side, sql string, args []any) (all [][]any, err error) {
	rows, err := s.DB.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", s.Name, err)
	}
	defer rows.Close()
	for rows.Next() {
		row := make([]any, len(rows.ColumnTypes()))
		for i, c := range rows.ColumnTypes() {
			row[i] = reflect.New(c.ScanType()).Interface()
		}
		if err := rows.Scan(row...); err != nil {
			return nil, fmt.Errorf("ask %s: %w", s.Name, err)
		}
		for i := range row {
			row[i] = reflect.ValueOf(row[i]).Elem().Interface()
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// same says how two answers differ, if they do. An empty answer is none.
func (a answer) same(b answer, about bool) error {
	if len(a.rows) != len(b.rows) || len(a.rows) == 0 {
		return fmt.Errorf("ours has %d rows, theirs %d", len(a.rows), len(b.rows))
	}
	off, numbers := 0.0, 0
	for i := range a.rows {
		for j := range a.rows[i] {
			x, y := a.rows[i][j], b.rows[i][j]
			f, number := x.(float64)
			g, both := y.(float64)
			switch {
			case about && number && both:
				off += math.Abs(f-g) / g
				numbers++
			case fmt.Sprint(x) != fmt.Sprint(y):
				return fmt.Errorf("row %d: ours says %v, theirs %v", i, a.rows[i], b.rows[i])
			}
		}
	}
	if off/float64(max(1, numbers)) > maxOff {
		return fmt.Errorf("estimates are %.1f%% apart", 100*off/float64(numbers))
	}
	return nil
}

// maxOff is how far apart estimates of quantiles may be on average: each side has its own way to estimate.
const maxOff = 0.05
