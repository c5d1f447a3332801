package promql

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	prom "github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
)

// ErrExpression means that the expression is wrong, or asks for more than may be read; the text says where or what.
var ErrExpression = errors.New("expression")

const (
	timeout   = 15 * time.Second
	lookback  = 5 * time.Minute // how old a point may be to count as the present value
	maxPoints = 1_500_000       // read for one expression, all selectors together
)

// Engine evaluates expressions. Safe for concurrent use.
type Engine struct {
	engine *prom.Engine
	parser parser.Parser
}

// New returns an engine.
func New() *Engine {
	p := parser.NewParser(parser.Options{})
	return &Engine{parser: p, engine: prom.NewEngine(prom.EngineOpts{
		MaxSamples: 2 * maxPoints, Timeout: timeout, LookbackDelta: lookback, Parser: p,
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
	})}
}

// Canonical writes an expression in the one way that PromQL itself would, so that two spellings of the same are the same text. What is no
// expression stays as it is.
func Canonical(expression string) string {
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expression)
	if err != nil {
		return expression
	}
	return parsed.String()
}

// Range is when an expression is evaluated: at From and every Step until To.
type Range struct {
	From, To time.Time
	Step     time.Duration
	Lookback time.Duration // how old a point may be to count as the present value; 0: five minutes
}

// Series is one series of an answer. Values that are not finite are left out.
type Series struct {
	Labels map[string]string
	Points []Point
}

// Point is a value at a time.
type Point struct {
	At    time.Time
	Value float64
}

// Answer is what an expression came to.
type Answer struct {
	Series   []Series
	Warnings []string // PromQL's own, and what was left out
	Blind    bool     // the expression names metrics, and nobody sent any of them
}

// Evaluate evaluates an expression over what source reads. It returns an error that wraps ErrExpression for what another
// expression would mend, or wraps source's.
func (e *Engine) Evaluate(ctx context.Context, source Source, expression string, r Range) (Answer, error) {
	parsed, err := e.parser.ParseExpr(expression)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: at %w", ErrExpression, err)
	}
	reading := &querier{source: source, sent: map[Metric]bool{}, left: maxPoints}
	if err := reading.load(ctx, r.From.Add(-lookback-farthest(parsed)), r.To); err != nil {
		return Answer{}, err
	}
	query, err := e.engine.NewRangeQuery(ctx, reading, prom.NewPrometheusQueryOpts(false, r.Lookback), expression, r.From, r.To, r.Step)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrExpression, err)
	}
	defer query.Close()
	result := query.Exec(ctx)
	if reading.failed != nil {
		return Answer{}, reading.failed
	}
	if result.Err != nil {
		if ctx.Err() != nil {
			return Answer{}, ctx.Err()
		}
		return Answer{}, fmt.Errorf("%w: %w", ErrExpression, result.Err)
	}
	matrix, err := result.Matrix()
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrExpression, err)
	}
	warnings, infos := result.Warnings.AsStrings(expression, 5, 5)
	unknown, blind, err := reading.unknown(ctx, parsed, r)
	if err != nil {
		return Answer{}, err
	}
	a := answer(matrix, slices.Concat(unknown, warnings, infos))
	a.Blind = blind
	return a, nil
}

func answer(matrix prom.Matrix, warnings []string) Answer {
	a := Answer{Warnings: warnings}
	odd := 0
	for _, s := range matrix {
		out := Series{Labels: s.Metric.Map()}
		for _, p := range s.Floats {
			if math.IsNaN(p.F) || math.IsInf(p.F, 0) {
				odd++
				continue
			}
			out.Points = append(out.Points, Point{At: time.UnixMilli(p.T).UTC(), Value: p.F})
		}
		if len(out.Points) > 0 {
			a.Series = append(a.Series, out)
		}
	}
	if odd > 0 {
		a.Warnings = append(a.Warnings, fmt.Sprintf("%d values that are no finite number are left out", odd))
	}
	return a
}

var _ storage.Queryable = (*querier)(nil)

// unknown says which metrics an expression names that nobody has sent, with the names most like them, and whether those are all it names.
func (q *querier) unknown(ctx context.Context, expr parser.Expr, r Range) (warnings []string, all bool, err error) {
	known := false
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		selector, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		for _, m := range selector.LabelMatchers {
			if m.Name != nameLabel || m.Type != labels.MatchEqual {
				continue
			}
			var sent bool
			if sent, err = q.wasSent(ctx, q.named([]*labels.Matcher{m}), r); err != nil {
				return err
			}
			if sent {
				known = true
			} else {
				warnings = append(warnings, fmt.Sprintf("no metric %s was sent at that time; %s", m.Value, alike(m.Value, q.names)))
			}
		}
		return nil
	})
	return warnings, len(warnings) > 0 && !known, err
}

// wasSent says whether any of some metrics was sent about the time of an evaluation. Mostly it is known from what was read.
func (q *querier) wasSent(ctx context.Context, metrics []wanted, r Range) (bool, error) {
	names := make([]string, len(metrics))
	for i, m := range metrics {
		if q.sent[m.Metric] {
			return true, nil
		}
		names[i] = m.Name
	}
	if len(names) == 0 {
		return false, nil
	}
	return q.source.Sent(ctx, names, r.From.Add(-lookback), r.To)
}

// alike are the names that share most words with one.
func alike(name string, all []Metric) string {
	words := strings.FieldsFunc(strings.ToLower(name), notWord)
	best, most := []string{}, 1
	for _, m := range all {
		shared := 0
		for _, w := range words {
			if strings.Contains(strings.ToLower(m.Name), w) {
				shared++
			}
		}
		if shared > most {
			best, most = best[:0], shared
		}
		if shared == most && len(best) < 8 {
			name := Translate(m.Name)
			if m.Histogram {
				name += "{" + strings.Join(histogramSuffixes, ",") + "}"
			}
			best = append(best, name)
		}
	}
	if len(best) == 0 {
		return fmt.Sprintf("%d others were", len(all))
	}
	return "like it are " + strings.Join(best, ", ")
}

func notWord(r rune) bool { return r == '_' || r == '.' || r == ':' }
