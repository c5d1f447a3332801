package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	healthSQL = `
SELECT toStartOfInterval(time, toIntervalSecond({step:UInt32})) AS at, toUInt8(0) AS window, count() AS n,
        countIf(status = 'error') AS errors, sum(duration_ns) AS sum_ns, min(time) AS first, ` + durationBins + `
FROM spans
WHERE kind = 'server' AND service = {service:String} AND ` + inWindow + `
GROUP BY at ORDER BY at LIMIT 2000`

	healthOperationsSQL = `
SELECT name, toUInt8(0) AS window, count() AS n, countIf(status = 'error') AS errors, sum(duration_ns) AS sum_ns,
        min(time) AS first, ` + durationBins + `
FROM spans
WHERE kind = 'server' AND service = {service:String} AND ` + inWindow + `
GROUP BY name ORDER BY n DESC, name LIMIT 100`
)

type healthArguments struct {
	window
	Service string `json:"service"`
	StepS   int    `json:"step_s"`
}

func (a healthArguments) validate() error {
	if a.Service == "" {
		return fmt.Errorf("%w: service is required", ErrArguments)
	}
	if a.StepS < 0 || a.StepS > 3600 {
		return fmt.Errorf("%w: step_s must be between 1 and 3600", ErrArguments)
	}
	return a.window.validate()
}

// step is the length of a point: 10 s unless asked otherwise, longer when there would be more than 1000.
func (a healthArguments) step() int {
	step := a.StepS
	if step == 0 {
		step = 10
	}
	return max(step, int(a.seconds()/1000)+1)
}

type pointRow struct {
	At time.Time `ch:"at"`
	counts
}

type operationRow struct {
	Name string `ch:"name"`
	counts
}

func (r reader) serviceHealth() Tool {
	return Tool{
		Name:        "service_health",
		Description: "Rate, errors and latency of one service through a window, and per operation.",
		Schema: schema(false, map[string]any{
			"service": text("service.name, required"),
			"step_s":  map[string]any{"type": "integer", "minimum": 1, "maximum": 3600, "description": "seconds per point, 10 if left out"},
		}),
		DataTypes: []investigation.DataType{investigation.Traces},
		Cost:      1,
		Run:       r.runHealth,
		Control:   controlWindow,
	}
}

func (r reader) runHealth(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
	a, err := decode[healthArguments](arguments)
	if err != nil {
		return Result{}, err
	}
	params := append(in(scope, a.window), param{"service", a.Service}, param{"step", a.step()})
	points, text, err := query[pointRow](ctx, r.db, healthSQL, params)
	if err != nil {
		return Result{}, err
	}
	operations, _, err := query[operationRow](ctx, r.db, healthOperationsSQL, params)
	if err != nil {
		return Result{}, err
	}
	h := result.Health{Service: a.Service, StepS: a.step(), Points: []result.Point{}, Operations: []result.Operation{}}
	var all tally
	for _, row := range points {
		var t tally
		t.add(row.counts)
		all.merge(t)
		h.Points = append(h.Points, result.Point{Time: row.At.UTC(), Measure: t.measure(float64(h.StepS))})
	}
	for _, row := range operations {
		var t tally
		t.add(row.counts)
		h.Operations = append(h.Operations, result.Operation{Operation: row.Name, Measure: t.measure(a.seconds())})
	}
	m := all.measure(a.seconds())
	return Result{
		Summary: fmt.Sprintf("%s: %.4g requests/s, %.2g%% errors, p95 %.4g ms", a.Service, m.RatePerS, 100*m.ErrorRatio, m.P95MS),
		Query:   text, Window: a.public(), Data: h,
	}, nil
}
