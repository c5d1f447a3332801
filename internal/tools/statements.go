package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/analysis"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const statementsSQL = `
SELECT toString(kind) AS side, service, peer_service AS peer, ` + spanAddress + ` AS address, attributes['db.system.name'] AS system,
        attributes['db.namespace'] AS namespace, attributes['db.collection.name'] AS collection, attributes['db.operation.name'] AS operation,
        substring(attributes['db.query.text'], 1, 2000) AS query_text, if(status = 'error', ` + spanCode + `, '') AS code, ` + countColumns + `
FROM spans
WHERE kind IN ('server', 'client') AND mapContains(attributes, 'db.system.name') AND ` + inEither + `
GROUP BY side, service, peer, address, system, namespace, collection, operation, query_text, code, window
ORDER BY n DESC, side, service, peer, address, system, namespace, collection, operation, query_text, code, window
LIMIT 5000`

// maxStatements is how many statements a result names.
const maxStatements = 80

type statementRow struct {
	Side       string `ch:"side"`
	Service    string `ch:"service"`
	Peer       string `ch:"peer"`
	Address    string `ch:"address"`
	System     string `ch:"system"`
	Namespace  string `ch:"namespace"`
	Collection string `ch:"collection"`
	Operation  string `ch:"operation"`
	Query      string `ch:"query_text"`
	Code       string `ch:"code"`
	counts
}

type statementKey struct{ database, side, system, namespace, collection, operation, query string }

type statementGroup struct {
	cell    cell
	codes   map[string]uint64
	callers []string
}

func (r reader) statements() Tool {
	return Tool{
		Name: "statements",
		Description: "Statements and commands sent to databases and caches, by template: calls, latency, errors by code, callers, compared with a " +
			"healthy window. Those whose share of time or errors grew most come first.",
		Schema:    schema(true, nil),
		DataTypes: []investigation.DataType{investigation.Traces},
		Cost:      2,
		Run: func(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
			w, err := decode[windows](arguments)
			if err != nil {
				return Result{}, err
			}
			rows, text, err := query[statementRow](ctx, r.db, statementsSQL, compared(scope, w))
			if err != nil {
				return Result{}, err
			}
			s := statements(rows, w)
			return Result{Summary: fmt.Sprintf("%d statements", len(s)), Query: text, Window: w.public(), Data: result.Statements{Statements: s}}, nil
		},
		Control: controlWindows,
	}
}

func statements(rows []statementRow, w windows) []result.Statement {
	at, seen, namespaces := endpoints{}, map[string]bool{}, map[string]string{}
	var born time.Time // first statement of the healthy window: before it, nothing ran
	for _, row := range rows {
		if row.Window == 0 && (born.IsZero() || row.First.Before(born)) {
			born = row.First
		}
		if row.Side == "server" {
			seen[row.Service] = true
			if _, known := at[row.Address]; !known {
				at[row.Address] = row.Service
			}
		}
		// A connection that was open before it was watched does not tell its database; another one to the same table may.
		for _, k := range []string{row.Address + "/" + row.Collection, row.Address} {
			if namespaces[k] == "" {
				namespaces[k] = row.Namespace
			}
		}
	}
	groups := map[statementKey]*statementGroup{}
	for _, row := range rows {
		database := row.Service
		if row.Side == "client" {
			if database = at.peer(row.Peer, row.Address); seen[database] {
				// Measured at the database already; here the caller is all that is new.
				row.N, row.Errors, row.Sum, row.Bins, row.Counts = 0, 0, 0, nil, nil
			}
		}
		side := "client"
		if seen[database] {
			side = "server"
		}
		namespace := cmp.Or(row.Namespace, namespaces[row.Address+"/"+row.Collection], namespaces[row.Address])
		g := of(groups, statementKey{database, side, row.System, namespace, row.Collection, row.Operation, row.Query})
		g.add(row)
	}
	healthy := w.baseline().seconds()
	if !born.IsZero() {
		healthy = min(healthy, max(1, w.BaselineTo.Sub(born).Seconds()))
	}
	out := make([]result.Statement, 0, len(groups))
	for key, g := range groups {
		if g.cell[0].n+g.cell[1].n+g.cell[2].n > 0 {
			out = append(out, g.statement(key, w, healthy))
		}
	}
	slices.SortFunc(out, func(a, b result.Statement) int {
		return cmp.Or(cmp.Compare(weight(b), weight(a)), cmp.Compare(a.Database, b.Database), cmp.Compare(a.Namespace, b.Namespace),
			cmp.Compare(a.Collection, b.Collection), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Query, b.Query))
	})
	return out[:min(len(out), maxStatements)]
}

func (g *statementGroup) add(row statementRow) {
	if row.Side == "client" && row.Window > 0 {
		g.callers = append(g.callers, row.Service)
	}
	if row.Side == "server" && row.Window > 0 && row.Peer != "" {
		g.callers = append(g.callers, row.Peer)
	}
	if row.N == 0 {
		return
	}
	g.cell.add(row.counts)
	if row.Window > 0 && row.Errors > 0 {
		if g.codes == nil {
			g.codes = map[string]uint64{}
		}
		g.codes[row.Code] += row.Errors
	}
}

func (g *statementGroup) statement(key statementKey, w windows, healthy float64) result.Statement {
	codes := make([]result.CodeCount, 0, len(g.codes))
	for _, code := range slices.Sorted(maps.Keys(g.codes)) {
		codes = append(codes, result.CodeCount{Code: code, Count: g.codes[code]})
	}
	slices.SortStableFunc(codes, func(a, b result.CodeCount) int { return cmp.Compare(b.Count, a.Count) })
	return result.Statement{
		Database: key.database, Side: key.side, System: key.system, Namespace: key.namespace, Collection: key.collection,
		Operation: key.operation, Query: key.query, Change: g.cell.change(w, healthy),
		TimePerS: result.Pair{
			Fault:   round(float64(g.cell.fault().sumNS) / 1e6 / w.seconds()),
			Healthy: round(analysis.Ratio(float64(g.cell[0].sumNS)/1e6, healthy)),
		},
		Codes: codes, Callers: distinct(g.callers),
	}
}

// weight orders statements: milliseconds per second gained, an error counting as much as 100 ms.
func weight(s result.Statement) float64 {
	return math.Max(0, s.TimePerS.Fault-s.TimePerS.Healthy) + 100*s.Fault.ErrorRatio*s.Fault.RatePerS
}
