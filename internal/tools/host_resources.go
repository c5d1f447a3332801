package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const hostPointsSQL = `
WITH series AS (
    SELECT DISTINCT series_id, host, name,
           multiIf(name = 'system.cpu.utilization', attributes['cpu.mode'], name = 'system.memory.usage', attributes['system.memory.state'],
                   name = 'midwatch.system.pressure', concat(attributes['resource'], ' ', attributes['kind']), '') AS part
    FROM metric_series
    WHERE name IN ('system.cpu.utilization', 'system.memory.usage', 'midwatch.system.pressure', 'system.filesystem.utilization') AND ` + seriesEither + `)
SELECT host, name, toUInt8(if(` + timeWindow + `, 1, 0)) AS window, part, avg(value) AS mean, max(value) AS most
FROM ` + samplesEither + `
GROUP BY host, name, window, part
ORDER BY host, name, window, part
LIMIT 5000`

// topProcesses is how many processes host_resources names.
const topProcesses = 20

type hostRow struct {
	Host   string  `ch:"host"`
	Name   string  `ch:"name"`
	Window uint8   `ch:"window"`
	Part   string  `ch:"part"`
	Mean   float64 `ch:"mean"`
	Most   float64 `ch:"most"`
}

func (r reader) hostResources() Tool {
	return Tool{
		Name:        "host_resources",
		Description: "CPU, pressure, memory and disk of each machine and what its services and biggest processes use, compared with a healthy window.",
		Schema:      schema(true, nil),
		DataTypes:   []investigation.DataType{investigation.Metrics},
		Cost:        1,
		Run:         r.runHostResources,
		Control:     controlWindows,
	}
}

func (r reader) runHostResources(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
	w, err := decode[windows](arguments)
	if err != nil {
		return Result{}, err
	}
	rows, text, err := query[hostRow](ctx, r.db, hostPointsSQL, compared(scope, w))
	if err != nil {
		return Result{}, err
	}
	points, _, err := query[pointsRow](ctx, r.db, processPointsSQL, append(compared(scope, w), param{"service", ""}))
	if err != nil {
		return Result{}, err
	}
	all := processes(points)
	out := result.HostResources{Hosts: hosts(rows), Services: usage(all), Processes: biggest(all)}
	summary := "no metrics of a host"
	if len(out.Hosts) > 0 {
		h := out.Hosts[0]
		summary = fmt.Sprintf("%s: CPU %.0f%% busy, before %.0f%%", h.Host, 100*h.CPUBusy.Fault, 100*h.CPUBusy.Healthy)
	}
	return Result{Summary: summary, Query: text, Window: w.public(), Data: out}, nil
}

func hosts(rows []hostRow) []result.Host {
	byName := map[string]*result.Host{}
	for _, row := range rows {
		h := of(byName, row.Host)
		h.Host = row.Host
		switch {
		case row.Name == telemetry.SystemCPU && row.Part == "idle":
			set(&h.CPUBusy, row.Window, 1-row.Mean)
		case row.Name == telemetry.SystemMemory && row.Part == "used":
			set(&h.MemoryUsed, row.Window, row.Mean)
		case row.Name == telemetry.SystemFilesystem:
			set(&h.DiskFull, row.Window, row.Most)
		case row.Name == telemetry.SystemPressure && row.Part == "cpu some":
			set(&h.CPUPressure, row.Window, row.Mean)
		case row.Name == telemetry.SystemPressure && row.Part == "memory some":
			set(&h.MemoryPressure, row.Window, row.Mean)
		case row.Name == telemetry.SystemPressure && row.Part == "io some":
			set(&h.IOPressure, row.Window, row.Mean)
		}
	}
	out := make([]result.Host, 0, len(byName))
	for _, h := range byName {
		out = append(out, *h)
	}
	slices.SortFunc(out, func(a, b result.Host) int { return cmp.Compare(a.Host, b.Host) })
	return out
}

// usage adds up processes by service.
func usage(all []result.Process) []result.ServiceUsage {
	byName := map[string]*result.ServiceUsage{}
	for _, p := range all {
		u := of(byName, p.Service)
		u.Service = p.Service
		add(&u.CPU, p.CPU)
		add(&u.RunDelay, p.RunDelay)
		add(&u.Memory, p.MemoryBytes)
	}
	out := make([]result.ServiceUsage, 0, len(byName))
	for _, u := range byName {
		out = append(out, *u)
	}
	slices.SortFunc(out, func(a, b result.ServiceUsage) int {
		return cmp.Or(cmp.Compare(growth(b.CPU), growth(a.CPU)), cmp.Compare(a.Service, b.Service))
	})
	return out
}

func biggest(all []result.Process) []result.Process {
	top := slices.Clone(all)
	slices.SortStableFunc(top, func(a, b result.Process) int { return cmp.Compare(growth(b.CPU), growth(a.CPU)) })
	return top[:min(len(top), topProcesses)]
}

func growth(p result.Pair) float64 { return round(p.Fault - p.Healthy) }

func add(sum *result.Pair, p result.Pair) {
	sum.Fault, sum.Healthy = round(sum.Fault+p.Fault), round(sum.Healthy+p.Healthy)
}
