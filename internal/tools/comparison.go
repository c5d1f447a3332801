package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/analysis"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const compareSQL = `
SELECT toString(kind) AS side, service, peer_service AS peer, ` + spanAddress + ` AS address, ` + spanProtocol + ` AS protocol, name,
        groupUniqArray(8)(service_version) AS versions, ` + countColumns + `
FROM spans
WHERE kind IN ('server', 'client') AND ` + inEither + `
GROUP BY side, service, peer, address, protocol, name, window
ORDER BY n DESC, side, service, peer, address, protocol, name, window
LIMIT 5000`

type spanRow struct {
	Side     string   `ch:"side"`
	Service  string   `ch:"service"`
	Peer     string   `ch:"peer"`
	Address  string   `ch:"address"`
	Protocol string   `ch:"protocol"`
	Name     string   `ch:"name"`
	Versions []string `ch:"versions"`
	counts
}

func (r reader) compareWindows() Tool {
	return Tool{
		Name: "compare_windows",
		Description: "Compares every service, operation and call between services in a window with a healthy baseline: rate, errors, " +
			"latency, and whether the difference is material and significant. Start here.",
		Schema:    schema(true, nil),
		DataTypes: []investigation.DataType{investigation.Traces},
		Cost:      2,
		Run: func(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
			w, err := decode[windows](arguments)
			if err != nil {
				return Result{}, err
			}
			rows, text, err := query[spanRow](ctx, r.db, compareSQL, compared(scope, w))
			if err != nil {
				return Result{}, err
			}
			c := compare(rows, w)
			return Result{Summary: summarize(c), Query: text, Window: w.public(), Data: c}, nil
		},
		Control: controlWindows,
	}
}

// comparison gathers rows by what they are about.
type comparison struct {
	w          windows
	served     map[string]*cell
	operations map[[2]string]*cell
	calls      map[edgeKey]*cell
	kinds      map[edgeKey]map[string]*cell // calls by operation
	made       map[string]*cell             // all calls of a service
	versions   map[string]map[string]bool
	born       map[string]time.Time // first span of a service in the healthy window
}

type edgeKey struct{ from, to, address, protocol string }

func compare(rows []spanRow, w windows) result.Comparison {
	c := comparison{
		w: w, served: map[string]*cell{}, operations: map[[2]string]*cell{}, calls: map[edgeKey]*cell{},
		kinds: map[edgeKey]map[string]*cell{}, made: map[string]*cell{},
		versions: map[string]map[string]bool{}, born: map[string]time.Time{},
	}
	at := endpointsOf(rows)
	for _, row := range rows {
		c.add(row, at)
	}
	out := result.Comparison{
		FaultWindow: w.public(), HealthyWindow: w.baseline().public(),
		Services: []result.ServiceChange{}, Operations: []result.OperationChange{}, Edges: []result.EdgeChange{},
	}
	parts := map[string][]result.Change{}
	for key, cell := range c.operations {
		change := cell.change(w, c.healthySeconds(key[0]))
		parts[key[0]] = append(parts[key[0]], change)
		out.Operations = append(out.Operations, result.OperationChange{Service: key[0], Operation: key[1], Change: change})
	}
	for _, name := range slices.Sorted(maps.Keys(c.served)) {
		s := c.service(name)
		s.Change = withParts(s.Change, parts[name])
		out.Services = append(out.Services, s)
	}
	slices.SortFunc(out.Operations, func(a, b result.OperationChange) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Operation, b.Operation))
	})
	for key, cell := range c.calls {
		out.Edges = append(out.Edges, c.edge(key, cell))
	}
	slices.SortFunc(out.Edges, func(a, b result.EdgeChange) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Address, b.Address), cmp.Compare(a.Protocol, b.Protocol))
	})
	out.Operations = out.Operations[:min(len(out.Operations), maxGroups)]
	out.Edges = out.Edges[:min(len(out.Edges), maxGroups)]
	return out
}

// maxGroups is how many operations and edges a comparison names.
const maxGroups = 1000

// minPart is how many requests one operation needs to speak for its whole group.
const minPart = 15

// withParts adds what one operation shows and the average of all hides: a group is bad if one of its operations is.
func withParts(whole result.Change, parts []result.Change) result.Change {
	for _, p := range parts {
		if p.Fault.Requests >= minPart {
			whole.Failing = whole.Failing || p.Failing
			whole.Slow = whole.Slow || p.Slow
		}
	}
	return whole
}

func (c *comparison) add(row spanRow, at endpoints) {
	if row.Window == 0 {
		if born, seen := c.born[row.Service]; !seen || row.First.Before(born) {
			c.born[row.Service] = row.First
		}
	}
	if row.Side == "client" {
		key := edgeKey{row.Service, at.peer(row.Peer, row.Address), row.Address, row.Protocol}
		of(c.calls, key).add(row.counts)
		if c.kinds[key] == nil {
			c.kinds[key] = map[string]*cell{}
		}
		of(c.kinds[key], row.Name).add(row.counts)
		of(c.made, row.Service).add(row.counts)
		return
	}
	of(c.served, row.Service).add(row.counts)
	of(c.operations, [2]string{row.Service, row.Name}).add(row.counts)
	if row.Window > 0 {
		if c.versions[row.Service] == nil {
			c.versions[row.Service] = map[string]bool{}
		}
		for _, v := range row.Versions {
			c.versions[row.Service][v] = true
		}
	}
}

// healthySeconds is how long the service was seen in the healthy window: one that started late in it was not idle before.
func (c *comparison) healthySeconds(service string) float64 {
	whole := c.w.baseline().seconds()
	born, seen := c.born[service]
	if !seen {
		return whole
	}
	return min(whole, max(1, c.w.BaselineTo.Sub(born).Seconds()))
}

func (c *comparison) service(name string) result.ServiceChange {
	served, made := c.served[name], c.made[name]
	if made == nil {
		made = &cell{}
	}
	self := func(served, made tally) float64 {
		return round(served.meanMS() - analysis.Ratio(float64(made.sumNS), float64(served.n))/1e6)
	}
	failed := func(served, made tally) float64 {
		return round(analysis.Ratio(float64(made.errors), float64(served.n)))
	}
	versions := slices.Sorted(maps.Keys(c.versions[name]))
	if versions == nil {
		versions = []string{}
	}
	return result.ServiceChange{
		Service: name, Change: served.change(c.w, c.healthySeconds(name)),
		SelfMS:     result.Pair{Fault: self(served.fault(), made.fault()), Healthy: self(served[0], made[0])},
		CallErrors: result.Pair{Fault: failed(served.fault(), made.fault()), Healthy: failed(served[0], made[0])},
		Versions:   versions,
	}
}

func (c *comparison) edge(key edgeKey, calls *cell) result.EdgeChange {
	e := result.EdgeChange{
		From: key.from, To: key.to, Address: key.address, Protocol: key.protocol,
		Change: calls.change(c.w, c.healthySeconds(key.from)),
	}
	var parts []result.Change
	for _, kind := range c.kinds[key] {
		parts = append(parts, kind.change(c.w, c.healthySeconds(key.from)))
	}
	e.Change = withParts(e.Change, parts)
	if served := c.served[key.from]; served != nil {
		fault, answered := calls.fault(), served.fault()
		e.PerRequest = result.Pair{
			Fault:   round(analysis.Ratio(float64(fault.n), float64(answered.n))),
			Healthy: round(analysis.Ratio(float64(calls[0].n), float64(served[0].n))),
		}
	}
	return e
}

func summarize(c result.Comparison) string {
	var failing, slow, quiet []string
	for _, s := range c.Services {
		switch {
		case s.Failing:
			failing = append(failing, s.Service)
		case s.Slow:
			slow = append(slow, s.Service)
		case s.Quiet:
			quiet = append(quiet, s.Service)
		}
	}
	if len(failing)+len(slow)+len(quiet) == 0 {
		return fmt.Sprintf("none of %d services differs from the baseline", len(c.Services))
	}
	return fmt.Sprintf("of %d services failing: %s; slow: %s; quiet: %s", len(c.Services), list(failing), list(slow), list(quiet))
}
