package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const listServicesSQL = `
SELECT toString(kind) AS side, service, ` + spanProtocol + ` AS protocol,
        groupUniqArray(8)(service_version) AS versions, groupUniqArray(32)(instance) AS instances, groupUniqArray(32)(host) AS hosts,
        max(time) AS last, toUInt8(0) AS window, count() AS n, countIf(status = 'error') AS errors, sum(duration_ns) AS sum_ns,
        min(time) AS first, ` + durationBins + `
FROM spans
WHERE kind IN ('server', 'client') AND ` + inWindow + `
GROUP BY side, service, protocol
ORDER BY side, service, protocol
LIMIT 5000`

type serviceRow struct {
	Side      string    `ch:"side"`
	Service   string    `ch:"service"`
	Protocol  string    `ch:"protocol"`
	Versions  []string  `ch:"versions"`
	Instances []string  `ch:"instances"`
	Hosts     []string  `ch:"hosts"`
	Last      time.Time `ch:"last"`
	counts
}

func (r reader) listServices() Tool {
	return Tool{
		Name:        "list_services",
		Description: "Lists the services seen in a window with their rate, errors, latency, versions and instances.",
		Schema:      schema(false, nil),
		DataTypes:   []investigation.DataType{investigation.Traces},
		Cost:        1,
		Run: func(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
			w, err := decode[window](arguments)
			if err != nil {
				return Result{}, err
			}
			rows, text, err := query[serviceRow](ctx, r.db, listServicesSQL, in(scope, w))
			if err != nil {
				return Result{}, err
			}
			services := mergeServices(rows, w)
			return Result{
				Summary: fmt.Sprintf("%d services", len(services)), Query: text, Window: w.public(),
				Data: result.Services{Services: services},
			}, nil
		},
		Control: controlWindow,
	}
}

func mergeServices(rows []serviceRow, w window) []result.Service {
	served := map[string]*tally{}
	byName := map[string]*result.Service{}
	for _, row := range rows {
		s := of(byName, row.Service)
		s.Service = row.Service
		if row.Side == "client" {
			s.Calls += row.N
		} else {
			of(served, row.Service).add(row.counts)
			s.Protocols = append(s.Protocols, row.Protocol)
		}
		s.Versions = append(s.Versions, row.Versions...)
		s.Instances = append(s.Instances, row.Instances...)
		s.Hosts = append(s.Hosts, row.Hosts...)
		if row.Last.After(s.LastSeen) {
			s.LastSeen = row.Last.UTC()
		}
	}
	out := make([]result.Service, 0, len(byName))
	for name, s := range byName {
		if t := served[name]; t != nil {
			s.Measure = t.measure(w.seconds())
		}
		for _, set := range []*[]string{&s.Protocols, &s.Versions, &s.Instances, &s.Hosts} {
			*set = distinct(*set)
		}
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b result.Service) int { return cmp.Compare(a.Service, b.Service) })
	return out
}

// distinct sorts names and leaves out doubles and empty ones; never nil.
func distinct(names []string) []string {
	slices.Sort(names)
	out := slices.DeleteFunc(slices.Compact(names), func(s string) bool { return s == "" })
	if out == nil {
		return []string{}
	}
	return out
}
