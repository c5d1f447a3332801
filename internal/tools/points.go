package tools

import (
	"cmp"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/internal/analysis"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// Process metrics are read per process, metric and window; the points themselves only for the slope of memory.
const processPointsSQL = `
WITH series AS (
    SELECT DISTINCT series_id, service, instance, name, simpleJSONExtractString(resource_json, 'process.pid') AS pid,
           simpleJSONExtractString(resource_json, 'midwatch.process.start_ticks') AS ticks, simpleJSONExtractString(resource_json, 'process.executable.path') AS executable
    FROM metric_series
    WHERE name IN ('process.cpu.utilization', 'midwatch.process.run_delay', 'process.memory.usage', 'midwatch.process.memory.limit',
                   'process.open_file_descriptor.count', 'process.thread.count', 'midwatch.process.cpu.throttled', 'midwatch.process.cpu.limit')
      AND ({service:String} = '' OR service = {service:String}) AND ` + seriesEither + `)
SELECT service, instance, name, toUInt8(if(` + timeWindow + `, 1, 0)) AS window,
        any(series.pid) AS pid, any(series.ticks) AS ticks, any(series.executable) AS executable,
        count() AS n, avg(value) AS mean, max(value) AS most,
        arrayMap(p -> p.1, arraySort(groupArray(5000)((toUnixTimestamp64Milli(time) / 1000, value))) AS points) AS at,
        arrayMap(p -> p.2, points) AS v
FROM ` + samplesEither + `
GROUP BY service, instance, name, window
ORDER BY service, instance, name, window
LIMIT 40000`

type pointsRow struct {
	Service    string    `ch:"service"`
	Instance   string    `ch:"instance"`
	Name       string    `ch:"name"`
	Window     uint8     `ch:"window"`
	PID        string    `ch:"pid"`
	Ticks      string    `ch:"ticks"`
	Executable string    `ch:"executable"`
	N          uint64    `ch:"n"`
	Mean       float64   `ch:"mean"`
	Most       float64   `ch:"most"`
	At         []float64 `ch:"at"`
	Values     []float64 `ch:"v"`
}

// processes gathers points by process. CPU and run delay of a process that lived only for a part of a window count for
// that part.
func processes(rows []pointsRow) []result.Process {
	var whole [2]uint64
	for _, row := range rows {
		whole[row.Window] = max(whole[row.Window], row.N)
	}
	byInstance := map[[2]string]*result.Process{}
	for _, row := range rows {
		p := of(byInstance, [2]string{row.Service, row.Instance})
		identify(p, row)
		take(p, row, analysis.Ratio(float64(row.N), float64(whole[row.Window])))
	}
	out := make([]result.Process, 0, len(byInstance))
	for _, p := range byInstance {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b result.Process) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Instance, b.Instance))
	})
	return out
}

// identify names the process; what its resource does not say is in the instance: host/pid/start ticks.
func identify(p *result.Process, row pointsRow) {
	p.Service, p.Instance = row.Service, row.Instance
	parts := strings.Split(row.Instance, "/")
	if n := len(parts); n >= 3 {
		p.PID, p.StartTicks = parts[n-2], parts[n-1]
	}
	p.PID, p.StartTicks = cmp.Or(row.PID, p.PID), cmp.Or(row.Ticks, p.StartTicks)
	p.Executable = cmp.Or(row.Executable, p.Executable)
}

// take enters one metric of one window; share is the part of the window in which the process lived.
func take(p *result.Process, row pointsRow, share float64) {
	switch row.Name {
	case telemetry.ProcessCPU:
		set(&p.CPU, row.Window, row.Mean*share)
	case telemetry.ProcessRunDelay:
		set(&p.RunDelay, row.Window, row.Mean*share)
	case telemetry.ProcessOpenFiles:
		set(&p.OpenFiles, row.Window, row.Mean)
	case telemetry.ProcessThreads:
		set(&p.Threads, row.Window, row.Mean)
	case telemetry.ProcessThrottled:
		set(&p.Throttled, row.Window, row.Mean)
	case telemetry.ProcessCPULimit:
		p.CPULimit = row.Most
	case telemetry.ProcessMemoryLimit:
		p.LimitBytes = row.Most
	case telemetry.ProcessMemory:
		set(&p.MemoryBytes, row.Window, row.Mean)
		p.MemoryMax = max(p.MemoryMax, row.Most)
		if len(row.Values) == 0 {
			return
		}
		if row.Window == 0 || p.MemoryFirst == 0 {
			p.MemoryFirst = row.Values[0]
		}
		if row.Window == 1 || p.MemoryLast == 0 {
			p.MemoryLast = row.Values[len(row.Values)-1]
		}
		if row.Window == 1 {
			p.GrowthPerS = round(analysis.Slope(row.At, row.Values))
		}
	}
}

func set(p *result.Pair, window uint8, v float64) {
	if window == 0 {
		p.Healthy = round(v)
	} else {
		p.Fault = round(v)
	}
}
