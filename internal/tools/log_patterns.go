package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/analysis"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// logShapesSQL counts lines by shape in the store, so that every line counts and few cross the wire; templates are mined
// from the shapes. The most frequent shapes of each window come first, what is left is only counted.
const logShapesSQL = `
SELECT service, severity, toUInt8(w) AS window, shape, n, first, last, sample, all_lines
FROM (
    SELECT service, if(severity_text != '', severity_text, toString(severity)) AS severity, w,
           replaceRegexpAll(substring(body, 1, 2000), '[0-9]+', '0') AS shape, count() AS n, min(time) AS first, max(time) AS last,
           substring(argMin(body, (time, body)), 1, 1000) AS sample, sum(n) OVER (PARTITION BY w) AS all_lines,
           row_number() OVER (PARTITION BY w ORDER BY n DESC, service, severity, shape) AS place
    FROM (SELECT *, if(` + inFault + `, 1, 0) AS w FROM logs WHERE ` + logsMatch + `%s AND ` + inEither + `)
    GROUP BY service, severity, w, shape
)
WHERE place <= 8000
ORDER BY service, severity, first, window, shape
LIMIT 16000`

const (
	maxTemplates = 60
	// changedZ is how many standard errors a pattern's rate must have moved: a window holds hundreds of patterns.
	changedZ = 3.7
	// changedTimes is how much it must have grown, or shrunk.
	changedTimes = 2
	// vanishedFrom is how many lines of a pattern must have been expected for their absence to tell anything.
	vanishedFrom = 5
)

type shapeRow struct {
	Service  string    `ch:"service"`
	Severity string    `ch:"severity"`
	Window   uint8     `ch:"window"`
	Shape    string    `ch:"shape"`
	N        uint64    `ch:"n"`
	First    time.Time `ch:"first"`
	Last     time.Time `ch:"last"`
	Sample   string    `ch:"sample"`
	All      uint64    `ch:"all_lines"`
}

func (r reader) logPatterns() Tool {
	return Tool{
		Name: "log_patterns",
		Description: "Every log line of a window sorted into templates (lines of one statement in the source), compared with the healthy window: which are new, " +
			"vanished, more or less frequent. For what a service began or stopped to say; search_logs shows the lines themselves.",
		Schema:    logsSchema(),
		DataTypes: []investigation.DataType{investigation.Logs},
		Cost:      2,
		Run: func(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
			a, err := decode[logsArguments](arguments)
			if err != nil {
				return Result{}, err
			}
			params := append(compared(scope, a.windows), param{"service", a.Service}, param{"severity", severities[a.Severity]}, param{"text", a.Text})
			where, more := byIndex(a.Text)
			rows, text, err := query[shapeRow](ctx, r.db, fmt.Sprintf(logShapesSQL, where), append(params, more...))
			if err != nil {
				return Result{}, err
			}
			p := minePatterns(rows, a.windows)
			return Result{Summary: patternsSummary(p), Query: text, Window: a.public(), Data: p}, nil
		},
		Control: controlWindows,
	}
}

// minePatterns sorts shapes into templates, services and severities apart.
func minePatterns(rows []shapeRow, w windows) result.LogPatterns {
	type source struct{ service, severity string }
	type template struct {
		source
		number int
	}
	out := result.LogPatterns{Patterns: []result.Pattern{}}
	mines, found := map[source]*analysis.Drain{}, map[template]*mined{}
	var all, taken [2]uint64
	for _, row := range rows {
		all[row.Window] = row.All
		taken[row.Window] += row.N
		of := of(mines, source{row.Service, row.Severity})
		key := template{source{row.Service, row.Severity}, of.Add(row.Sample)}
		if found[key] == nil {
			found[key] = &mined{}
		}
		found[key].add(row)
	}
	out.Lines = result.Pair{Fault: float64(all[1]), Healthy: float64(all[0])}
	out.Unmined = all[0] + all[1] - taken[0] - taken[1]
	for key, m := range found {
		p := m.pattern(w)
		p.Service, p.Severity, p.Pattern = key.service, key.severity, mines[key.source].Template(key.number)
		out.Patterns = append(out.Patterns, p)
	}
	slices.SortFunc(out.Patterns, func(a, b result.Pattern) int {
		return cmp.Or(changeRank(a)-changeRank(b), cmp.Compare(math.Abs(b.Z), math.Abs(a.Z)), cmp.Compare(b.Count, a.Count),
			cmp.Compare(a.Service, b.Service), cmp.Compare(a.Pattern, b.Pattern), cmp.Compare(a.Severity, b.Severity))
	})
	out.Omitted = max(0, len(out.Patterns)-maxTemplates)
	out.Patterns = out.Patterns[:len(out.Patterns)-out.Omitted]
	return out
}

// mined adds up the lines of a template.
type mined struct {
	n           [2]uint64 // healthy, fault
	first, last time.Time
	sample      string
	from        uint8 // the window of sample
}

func (m *mined) add(row shapeRow) {
	if m.n[0]+m.n[1] == 0 || row.First.Before(m.first) {
		m.first = row.First
	}
	if row.Last.After(m.last) {
		m.last = row.Last
	}
	if m.sample == "" || row.Window > m.from {
		m.sample, m.from = row.Sample, row.Window
	}
	m.n[row.Window] += row.N
}

func (m *mined) pattern(w windows) result.Pattern {
	expected := float64(m.n[0]) * w.seconds() / w.baseline().seconds()
	p := result.Pattern{
		Count: m.n[1], Baseline: round(expected), First: m.first.UTC(), Last: m.last.UTC(), Sample: m.sample, Change: "same",
		Z: round(analysis.RateZ(m.n[1], w.seconds(), m.n[0], w.baseline().seconds())),
	}
	switch n := float64(m.n[1]); {
	case m.n[0] == 0:
		p.Change = "new"
	case m.n[1] == 0 && expected >= vanishedFrom:
		p.Change = "vanished"
	case p.Z >= changedZ && n >= changedTimes*expected:
		p.Change = "more"
	case p.Z <= -changedZ && n*changedTimes <= expected:
		p.Change = "less"
	}
	return p
}

// changeRank is the order in which changes are told.
func changeRank(p result.Pattern) int {
	return slices.Index([]string{"new", "vanished", "more", "less", "same"}, p.Change)
}

func patternsSummary(p result.LogPatterns) string {
	counts := map[string]int{}
	for _, x := range p.Patterns {
		counts[x.Change]++
	}
	s := fmt.Sprintf("%.0f lines, %d patterns: %d new, %d vanished, %d more frequent, %d less", p.Lines.Fault, len(p.Patterns)+p.Omitted,
		counts["new"], counts["vanished"], counts["more"], counts["less"])
	if p.Omitted > 0 {
		s += fmt.Sprintf("; %d that changed least are not listed", p.Omitted)
	}
	return s
}
