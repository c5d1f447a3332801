package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/promql"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	maxExpression   = 2000 // bytes
	maxSeries       = 50   // that are listed
	usualPoints     = 60   // of a series, when no step is given
	maxSeriesPoints = 300
)

type metricsArguments struct {
	window
	Expression string  `json:"expression"`
	StepS      float64 `json:"step_s"`
}

func (a metricsArguments) validate() error {
	switch {
	case strings.TrimSpace(a.Expression) == "" || len(a.Expression) > maxExpression:
		return fmt.Errorf("%w: expression is required, PromQL of at most %d bytes", ErrArguments, maxExpression)
	case a.StepS < 0 || a.StepS > 0 && a.StepS < 1:
		return fmt.Errorf("%w: step_s is at least 1", ErrArguments)
	}
	if err := a.window.validate(); err != nil {
		return err
	}
	if a.StepS > 0 && a.seconds()/a.StepS > maxSeriesPoints {
		return fmt.Errorf("%w: more than %d points a series; step_s of at least %.0f fits this window", ErrArguments, maxSeriesPoints, a.seconds()/maxSeriesPoints+1)
	}
	return nil
}

// step is 60 points in the window, in whole seconds and at least five, which is how often processes are measured.
func (a metricsArguments) step() time.Duration {
	if a.StepS > 0 {
		return time.Duration(a.StepS * float64(time.Second))
	}
	return max(5*time.Second, (a.To.Sub(a.From) / usualPoints).Round(time.Second))
}

func (r reader) queryMetrics() Tool {
	engine := promql.New()
	return Tool{
		Name: "query_metrics",
		Description: "PromQL over every metric of the environment, evaluated through the window; each series with its points, mean, min, max. Labels are service, instance, host and the " +
			"metric's attributes; names have _ for dots (process_memory_usage, midwatch_tcp_connections). Durations are histograms: histogram_quantile(0.95, sum by (le, service) " +
			"(rate(http_server_request_duration_bucket[2m]))). list_metrics lists the names.",
		Schema: schema(false, map[string]any{
			"expression": text("PromQL, required: a vector or a number, not a range"),
			"step_s":     map[string]any{"type": "number", "minimum": 1, "description": "seconds from point to point; a sixtieth of the window if left out"},
		}),
		DataTypes: []investigation.DataType{investigation.Metrics},
		Cost:      2,
		Run: func(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
			a, err := decode[metricsArguments](arguments)
			if err != nil {
				return Result{}, err
			}
			source := &metricSource{db: r.db, scope: scope}
			answer, err := engine.Evaluate(ctx, source, a.Expression, promql.Range{From: a.From, To: a.To, Step: a.step()})
			if errors.Is(err, promql.ErrExpression) {
				return Result{}, fmt.Errorf("%w: %w", ErrNoAnswer, err)
			}
			if err != nil {
				return Result{}, err
			}
			q := evaluated(a, answer)
			return Result{Summary: metricsSummary(q), Query: "-- " + strings.ReplaceAll(a.Expression, "\n", " ") + "\n" + source.shown(), Window: a.public(), Data: q}, nil
		},
		Control: controlWindow,
	}
}

func evaluated(a metricsArguments, answer promql.Answer) result.MetricQuery {
	q := result.MetricQuery{Expression: a.Expression, StepS: a.step().Seconds(), Series: []result.MetricSeries{}, Warnings: append([]string{}, answer.Warnings...)}
	for _, s := range answer.Series {
		q.Series = append(q.Series, metricSeries(s))
	}
	slices.SortFunc(q.Series, func(a, b result.MetricSeries) int {
		return cmp.Or(cmp.Compare(b.Max, a.Max), cmp.Compare(named(a.Labels), named(b.Labels)))
	})
	q.Omitted = max(0, len(q.Series)-maxSeries)
	q.Series = q.Series[:len(q.Series)-q.Omitted]
	return q
}

func metricSeries(s promql.Series) result.MetricSeries {
	first := s.Points[0].Value
	out := result.MetricSeries{Labels: s.Labels, First: round(first), Last: round(s.Points[len(s.Points)-1].Value), Points: []result.MetricPoint{}}
	low, high, sum := first, first, 0.0
	for _, p := range s.Points {
		low, high, sum = min(low, p.Value), max(high, p.Value), sum+p.Value
		out.Points = append(out.Points, result.MetricPoint{Time: p.At, Value: round(p.Value)})
	}
	out.Min, out.Max, out.Mean = round(low), round(high), round(sum/float64(len(s.Points)))
	return out
}

// named writes labels in a stable order.
func named(l map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(l)) {
		parts = append(parts, k+"="+l[k])
	}
	return strings.Join(parts, " ")
}

func metricsSummary(q result.MetricQuery) string {
	s := fmt.Sprintf("%d series", len(q.Series)+q.Omitted)
	if len(q.Series) > 0 {
		top := q.Series[0]
		s += fmt.Sprintf("; the highest, %s, is between %.4g and %.4g, %.4g on average", named(top.Labels), top.Min, top.Max, top.Mean)
	}
	if q.Omitted > 0 {
		s += fmt.Sprintf("; %d are not listed", q.Omitted)
	}
	if len(q.Warnings) > 0 {
		s += "; " + q.Warnings[0]
	}
	return s
}
