package tools

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/promql"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const listMetricsSQL = `
WITH series AS (
    SELECT DISTINCT series_id, name, unit, service, mapKeys(` + seriesAttributes + `) AS labels,
           multiIf(` + histogramKinds + `, 'histogram', kind = 'summary_quantile', 'gauge', kind IN ('summary_count', 'summary_sum'), 'sum_cumulative', toString(kind)) AS type
    FROM metric_series
    WHERE ({service:String} = '' OR service = {service:String})
      AND ({text:String} = '' OR positionCaseInsensitive(name, {text:String}) > 0 OR positionCaseInsensitive(replaceRegexpAll(name, '[^a-zA-Z0-9_:]', '_'), {text:String}) > 0)
      AND ` + seriesWindow + `),
counted AS (
    SELECT series_id, count() AS n FROM metric_samples` + ofSeries + ` GROUP BY series_id
    UNION ALL SELECT series_id, count() AS n FROM histograms` + ofSeries + ` GROUP BY series_id
    UNION ALL SELECT series_id, count() AS n FROM exponential_histograms` + ofSeries + ` GROUP BY series_id)
SELECT *, count() OVER () AS total FROM (
    SELECT name, any(series.unit) AS unit, min(series.type) AS kind, sum(n) AS points, arraySort(groupUniqArray(10)(toString(service))) AS services,
           arraySort(groupUniqArrayArray(20)(arrayMap(k -> toString(k), series.labels))) AS labels
    FROM counted INNER JOIN series USING (series_id)
    GROUP BY name, series.type = 'histogram')
ORDER BY name, kind LIMIT 200`

type listMetricsArguments struct {
	window
	Service string `json:"service"`
	Text    string `json:"text"`
}

type metricRow struct {
	Name     string   `ch:"name"`
	Unit     string   `ch:"unit"`
	Kind     string   `ch:"kind"`
	Points   uint64   `ch:"points"`
	Services []string `ch:"services"`
	Labels   []string `ch:"labels"`
	Total    uint64   `ch:"total"`
}

func (r reader) listMetrics() Tool {
	return Tool{
		Name:        "list_metrics",
		Description: "The metrics that were sent in a window, with kind, unit, labels and services: what query_metrics can be asked for.",
		Schema: schema(false, map[string]any{
			"service": text("only metrics of this service; all if left out"),
			"text":    text("only metrics whose name contains this"),
		}),
		DataTypes: []investigation.DataType{investigation.Metrics},
		Cost:      1,
		Run: func(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
			a, err := decode[listMetricsArguments](arguments)
			if err != nil {
				return Result{}, err
			}
			rows, text, err := query[metricRow](ctx, r.db, listMetricsSQL, append(in(scope, a.window), param{"service", a.Service}, param{"text", a.Text}))
			if err != nil {
				return Result{}, err
			}
			out := result.Metrics{Metrics: []result.Metric{}}
			for _, row := range rows {
				m := result.Metric{Name: promql.Translate(row.Name), Stored: row.Name, Kind: row.Kind, Unit: row.Unit, Points: row.Points, Services: row.Services, Labels: []string{}}
				for _, l := range row.Labels {
					m.Labels = append(m.Labels, promql.Translate(l))
				}
				out.Metrics, out.Omitted = append(out.Metrics, m), int(row.Total)
			}
			out.Omitted -= len(out.Metrics)
			return Result{Summary: fmt.Sprintf("%d metrics, %d of them listed", len(rows)+out.Omitted, len(rows)), Query: text, Window: a.public(), Data: out}, nil
		},
		Control: controlWindow,
	}
}
