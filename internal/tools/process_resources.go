package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const connectionsSQL = `
WITH series AS (
    SELECT DISTINCT series_id, service, name, attributes['peer.service'] AS peer, ` + spanAddress + ` AS address, cityHash64(mapSort(attributes)) AS same
    FROM metric_series
    WHERE name IN ('midwatch.tcp.connections', 'midwatch.tcp.connect.failures') AND ({service:String} = '' OR service = {service:String})
      AND ` + seriesEither + `)
SELECT service, peer, address, toUInt8(if(` + timeWindow + `, 1, 0)) AS window,
        avgIf(total, name = 'midwatch.tcp.connections') AS mean, maxIf(total, name = 'midwatch.tcp.connections') AS most,
        sumIf(total, name = 'midwatch.tcp.connect.failures') AS failures
FROM (
    SELECT service, name, time, peer, address, sum(value) AS total
    FROM ` + samplesEither + `
    GROUP BY service, name, time, peer, address, same
)
GROUP BY service, peer, address, window
ORDER BY service, peer, address, window
LIMIT 5000`

type connectionRow struct {
	Service  string  `ch:"service"`
	Peer     string  `ch:"peer"`
	Address  string  `ch:"address"`
	Window   uint8   `ch:"window"`
	Mean     float64 `ch:"mean"`
	Most     float64 `ch:"most"`
	Failures float64 `ch:"failures"`
}

type resourcesArguments struct {
	windows
	Service string `json:"service"`
}

func (r reader) processResources() Tool {
	return Tool{
		Name: "process_resources",
		Description: "CPU, time waiting for a core, memory with its growth and limit, open files and TCP connections per peer of each process, " +
			"compared with a healthy window.",
		Schema:    schema(true, map[string]any{"service": text("only this service; all if left out")}),
		DataTypes: []investigation.DataType{investigation.Metrics},
		Cost:      1,
		Run:       r.runProcessResources,
		Control:   controlWindows,
	}
}

func (r reader) runProcessResources(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
	a, err := decode[resourcesArguments](arguments)
	if err != nil {
		return Result{}, err
	}
	params := append(compared(scope, a.windows), param{"service", a.Service})
	points, text, err := query[pointsRow](ctx, r.db, processPointsSQL, params)
	if err != nil {
		return Result{}, err
	}
	rows, _, err := query[connectionRow](ctx, r.db, connectionsSQL, params)
	if err != nil {
		return Result{}, err
	}
	out := result.ProcessResources{Processes: processes(points), Connections: connections(rows)}
	return Result{
		Summary: fmt.Sprintf("%d processes, connections to %d peers", len(out.Processes), len(out.Connections)),
		Query:   text, Window: a.public(), Data: out,
	}, nil
}

func connections(rows []connectionRow) []result.Connection {
	groups := map[[3]string]*result.Connection{}
	for _, row := range rows {
		c := of(groups, [3]string{row.Service, row.Peer, row.Address})
		c.Service, c.Peer, c.Address = row.Service, row.Peer, row.Address
		set(&c.Mean, row.Window, row.Mean)
		set(&c.Max, row.Window, row.Most)
		if row.Window == 1 {
			c.Failures = round(row.Failures)
		}
	}
	out := make([]result.Connection, 0, len(groups))
	for _, c := range groups {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b result.Connection) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Peer, b.Peer), cmp.Compare(a.Address, b.Address))
	})
	return out
}
