package builtin

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/internal/analysis"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// What a statement that scans looks like: many times slower, while others of the same database are not as much.
const (
	scanRatio     = 4.0
	scanVersus    = 3.0 // times the others' ratio
	scanTimeShare = 0.5 // of the time that the database lost
	scanCores     = 0.15
)

// missingIndex: one statement with a predicate became many times slower, its database works harder, the others did not
// slow down as much.
func missingIndex(f *facts) []hypothesis {
	if f.statements == nil {
		return nil
	}
	var out []hypothesis
	seen := map[string]bool{}
	for _, s := range f.statements.Statements {
		key := s.Database + "/" + s.Namespace + "/" + s.Collection
		column := predicateColumn(s.Query)
		if seen[key] || column == "" || s.Collection == "" || !s.Slow || s.Failing && !onlyCanceled(s) || s.P50Ratio < scanRatio && s.P95Ratio < scanRatio {
			continue
		}
		seen[key] = true
		if h, ok := f.scan(s, column); ok {
			out = append(out, h)
		}
	}
	return out
}

// canceled is the SQLSTATE of a statement that its client gave up waiting for.
const canceled = "57014"

// onlyCanceled says that a statement fails only because its clients gave up; no code is a connection they closed.
func onlyCanceled(s result.Statement) bool {
	return !slices.ContainsFunc(s.Codes, func(c result.CodeCount) bool { return c.Code != canceled && c.Code != "" })
}

func (f *facts) scan(s result.Statement, column string) (hypothesis, bool) {
	ratio := max(s.P50Ratio, s.P95Ratio)
	others, lost := f.others(s)
	gained := s.TimePerS.Fault - s.TimePerS.Healthy
	if others*scanVersus > ratio || gained < scanTimeShare*(lost+gained) {
		return hypothesis{}, false
	}
	namespace := s.Namespace
	if namespace == "" {
		namespace = s.Database
	}
	h := hypothesis{
		culprit: telemetry.Table(namespace, s.Collection), service: s.Database, mechanism: investigation.MissingIndex, confidence: 0.62,
		title: fmt.Sprintf("Statements on %s by %s scan the table: its index is gone", s.Collection, column),
	}
	id := f.ids["statements"]
	h.claim(fmt.Sprintf("%s statements on %s that look for %s take %s instead of %s (median) at %s itself.", s.Operation, s.Collection, column,
		millis(s.Fault.P50MS), millis(s.Healthy.P50MS), s.Database),
		id, some(id, "statements", is("database", s.Database), is("collection", s.Collection), is("query", s.Query), holds("slow"),
			fmt.Sprintf(`max(x["p50_ratio"], x["p95_ratio"]) >= %s`, figure(scanRatio))))
	if s.RateRatio > 2 {
		h.confidence -= 0.15
	} else {
		h.claim(fmt.Sprintf("It is asked no more often than before (%.3g per second, before %.3g).", s.Fault.RatePerS, s.Healthy.RatePerS),
			id, some(id, "statements", is("database", s.Database), is("query", s.Query), holds("slow"), atMost(2, "rate_ratio")))
	}
	f.databaseWorks(&h, s.Database)
	if d, changed := f.deployed(s.Database, "executable", "arguments", "configuration"); changed {
		h.confidence -= 0.15
		h.missing = append(h.missing, fmt.Sprintf("whether the change of %s's %s matters", d.Service, d.Kind))
	}
	h.summary = fmt.Sprintf("Since %s, looking up %s by %s takes %.0f times as long as before and other statements of %s do not: the pattern of a missing index on %s(%s).",
		f.onset.Format("15:04:05"), s.Collection, column, ratio, s.Database, s.Collection, column)
	h.fix = f.draft(investigation.CreateIndex, s.Database, map[string]string{"table": s.Collection, "column": column},
		fmt.Sprintf("The slow statement finds rows by %s.", column))
	return h, true
}

// databaseWorks weighs whether the database burns CPU, as a scan does and waiting for a lock does not.
func (f *facts) databaseWorks(h *hypothesis, database string) {
	u, known := f.usage(database)
	id := f.ids["host_resources"]
	switch {
	case !known:
		h.missing = append(h.missing, fmt.Sprintf("CPU of %s, which would tell a scan from a lock", database))
	case u.CPU.Fault-u.CPU.Healthy >= scanCores && u.CPU.Fault >= 1.5*u.CPU.Healthy:
		h.confidence = h.confidence + 0.3
		h.claim(fmt.Sprintf("%s uses %.2f cores, before %.2f: it reads and compares rows, it does not wait.", database, u.CPU.Fault, u.CPU.Healthy),
			id, some(id, "services", is("service", database), fmt.Sprintf(`x["cpu"]["fault"] - x["cpu"]["healthy"] >= %s`, figure(scanCores))))
	default:
		h.confidence -= 0.2
		h.missing = append(h.missing, fmt.Sprintf("why %s waits: its CPU did not grow", database))
	}
}

// others is how many times slower the rest of the database became (median over its statements), and the time it lost, in
// milliseconds per second.
func (f *facts) others(s result.Statement) (ratio, lost float64) {
	var ratios []float64
	for _, o := range f.statements.Statements {
		if o.Database != s.Database || o.Collection == s.Collection && o.Query == s.Query {
			continue
		}
		if o.Collection != s.Collection { // another statement on the table may need the same index
			lost += math.Max(0, o.TimePerS.Fault-o.TimePerS.Healthy)
		}
		if o.Fault.Requests >= 5 && o.Healthy.Requests >= 5 && o.Collection != s.Collection {
			ratios = append(ratios, o.P50Ratio)
		}
	}
	return analysis.Median(ratios), lost
}

// predicate finds columns compared for equality with a placeholder: "WHERE p.category = $1", "WHERE a = ?".
var predicate = regexp.MustCompile(`(?i)(?:\bwhere\b|\band\b)\s+\(?\s*(?:[a-z_"][\w"]*\s*\.\s*)?"?([a-z_]\w*)"?\s*(?:=|in\s*\(|=\s*any\s*\()\s*(?:\$\d+|\?|:\w+)`)

// predicateColumn is the first column by which a statement finds its rows; "" when there is none.
func predicateColumn(query string) string {
	m := predicate.FindStringSubmatch(query)
	if m == nil {
		return ""
	}
	return strings.ToLower(m[1])
}
