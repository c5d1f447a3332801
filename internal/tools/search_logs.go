package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/analysis"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	logsMatch = `event_name = '' AND ({service:String} = '' OR service = {service:String}) AND severity >= {severity:UInt8}
    AND ({text:String} = '' OR positionCaseInsensitiveUTF8(body, {text:String}) > 0)`

	// Patterns are mined from at most 4000 lines of each window, spread over it by a hash so that a burst does not hide the rest.
	logLinesSQL = `
SELECT toUInt8(w) AS window, time, service, severity, severity_text, substring(body, 1, 2000) AS line, total
FROM (
    SELECT *, if(` + inFault + `, 1, 0) AS w, count() OVER (PARTITION BY w) AS total,
           row_number() OVER (PARTITION BY w ORDER BY cityHash64(time, body)) AS place
    FROM logs WHERE ` + logsMatch + `%s AND ` + inEither + `
)
WHERE place <= 4000
ORDER BY time, service, line
LIMIT 8000`

	// Where only a sample was read, the lines that are shown are the newest all the same.
	newestLinesSQL = `
SELECT toUInt8(1) AS window, time, service, severity, severity_text, substring(body, 1, 2000) AS line, toUInt64(0) AS total
FROM logs WHERE ` + logsMatch + `%s AND ` + inWindow + `
ORDER BY time DESC, service DESC, line DESC
LIMIT {limit:UInt32}`
)

// Severities by name, as OTLP numbers them.
var severities = map[string]uint8{"": 0, "debug": 5, "info": 9, "warn": 13, "error": 17}

const (
	maxPatterns = 40
	maxLines    = 50
)

type logsArguments struct {
	windows
	Service  string `json:"service"`
	Severity string `json:"min_severity"`
	Text     string `json:"text"`
}

func (a logsArguments) validate() error {
	if _, known := severities[a.Severity]; !known {
		return fmt.Errorf("%w: min_severity must be debug, info, warn or error", ErrArguments)
	}
	return a.windows.validate()
}

type logRow struct {
	Window       uint8     `ch:"window"`
	Time         time.Time `ch:"time"`
	Service      string    `ch:"service"`
	Severity     uint8     `ch:"severity"`
	SeverityText string    `ch:"severity_text"`
	Line         string    `ch:"line"`
	Total        uint64    `ch:"total"`
}

// logsSchema is that of logsArguments.
func logsSchema() json.RawMessage {
	return schema(true, map[string]any{
		"service":      text("only this service; all if left out"),
		"min_severity": map[string]any{"type": "string", "enum": []string{"", "debug", "info", "warn", "error"}},
		"text":         text("only lines that contain this, in any case"),
	})
}

func (r reader) searchLogs() Tool {
	return Tool{
		Name: "search_logs",
		Description: "Log lines of a window by service, least severity and text, and their patterns: what is new or more frequent than in the healthy " +
			"window comes first. Lines of unknown severity only match without min_severity.",
		Schema:    logsSchema(),
		DataTypes: []investigation.DataType{investigation.Logs},
		Cost:      2,
		Run: func(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
			a, err := decode[logsArguments](arguments)
			if err != nil {
				return Result{}, err
			}
			params := append(in(scope, a.window), param{"baseline_from", a.BaselineFrom}, param{"baseline_to", a.BaselineTo},
				param{"service", a.Service}, param{"severity", severities[a.Severity]}, param{"text", a.Text})
			where, more := byIndex(a.Text)
			params = append(params, more...)
			rows, text, err := query[logRow](ctx, r.db, fmt.Sprintf(logLinesSQL, where), params)
			if err != nil {
				return Result{}, err
			}
			logs, sampled := gatherLogs(rows, a.windows)
			if sampled {
				if logs.Lines, err = r.newestLines(ctx, a.window, fmt.Sprintf(newestLinesSQL, where), append(params, param{"limit", uint32(maxLines)})); err != nil {
					return Result{}, err
				}
			}
			fresh := 0
			for _, p := range logs.Patterns {
				if p.New {
					fresh++
				}
			}
			return Result{
				Summary: fmt.Sprintf("%d lines match, %d patterns are new", logs.Matched, fresh), Query: text, Window: a.public(), Data: logs,
			}, nil
		},
		Control: controlWindows,
	}
}

// newestLines returns the last lines of a window, oldest first.
func (r reader) newestLines(ctx context.Context, w window, sql string, params []param) ([]result.LogLine, error) {
	rows, err := store.Newest(ctx, w.From, w.To, maxLines, func(ctx context.Context, from, to time.Time) ([]logRow, error) {
		within := slices.DeleteFunc(slices.Clone(params), func(p param) bool { return p.name == "from" || p.name == "to" })
		rows, _, err := query[logRow](ctx, r.db, sql, append(within, param{"from", from}, param{"to", to}))
		return rows, err
	})
	slices.Reverse(rows)
	lines := make([]result.LogLine, len(rows))
	for i, row := range rows {
		lines[i] = row.public()
	}
	return lines, err
}

func (r logRow) public() result.LogLine {
	return result.LogLine{Time: r.Time.UTC(), Service: r.Service, Severity: r.level(), Body: r.Line}
}

func (r logRow) level() string { return cmp.Or(r.SeverityText, fmt.Sprint(r.Severity)) }

type patternKey struct{ service, severity, pattern string }

// gatherLogs also says whether the rows are only a sample of the fault window.
func gatherLogs(rows []logRow, w windows) (result.Logs, bool) {
	out := result.Logs{Patterns: []result.LogPattern{}, Lines: []result.LogLine{}}
	var taken, total [2]uint64
	for _, row := range rows {
		taken[row.Window]++
		total[row.Window] = row.Total
	}
	out.Matched = total[1]
	groups := map[patternKey]*result.LogPattern{}
	before := map[patternKey]uint64{}
	for _, row := range rows {
		key := patternKey{row.Service, row.level(), analysis.Template(row.Line)}
		if row.Window == 0 {
			before[key]++
			continue
		}
		p := of(groups, key)
		if p.Count == 0 {
			*p = result.LogPattern{Service: key.service, Severity: key.severity, Pattern: key.pattern, First: row.Time.UTC(), Sample: row.Line}
		}
		p.Count++
		out.Lines = append(out.Lines, row.public())
	}
	out.Lines = out.Lines[max(0, len(out.Lines)-maxLines):]
	// A sample of the lines was read: scale the counts to all that matched.
	scale := func(n uint64, i int) float64 {
		return float64(n) * analysis.Ratio(float64(total[i]), float64(taken[i]))
	}
	for key, p := range groups {
		p.New = before[key] == 0
		p.Baseline = round(scale(before[key], 0) * w.seconds() / w.baseline().seconds())
		p.Count = uint64(scale(p.Count, 1) + 0.5)
		out.Patterns = append(out.Patterns, *p)
	}
	slices.SortFunc(out.Patterns, func(a, b result.LogPattern) int {
		return cmp.Or(cmp.Compare(surplus(b), surplus(a)), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Pattern, b.Pattern),
			cmp.Compare(a.Severity, b.Severity))
	})
	out.Patterns = out.Patterns[:min(len(out.Patterns), maxPatterns)]
	return out, taken[1] < total[1]
}

// surplus orders patterns by how many more lines there are than before.
func surplus(p result.LogPattern) float64 { return float64(p.Count) - p.Baseline }
