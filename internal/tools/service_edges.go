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

const edgesSQL = `
SELECT toString(kind) AS side, service, peer_service AS peer, ` + spanAddress + ` AS address, ` + spanProtocol + ` AS protocol,
        toUInt8(0) AS window, count() AS n, countIf(status = 'error') AS errors, sum(duration_ns) AS sum_ns, min(time) AS first, ` + durationBins + `
FROM spans
WHERE kind IN ('server', 'client') AND ` + inWindow + `
GROUP BY side, service, peer, address, protocol
ORDER BY n DESC, side, service, peer, address, protocol
LIMIT 5000`

type edgeRow struct {
	Side     string `ch:"side"`
	Service  string `ch:"service"`
	Peer     string `ch:"peer"`
	Address  string `ch:"address"`
	Protocol string `ch:"protocol"`
	counts
}

func (r reader) serviceEdges() Tool {
	return Tool{
		Name:        "service_edges",
		Description: "Who calls whom in a window, by which protocol, how often and how well; and the addresses services listen at.",
		Schema:      schema(false, nil),
		DataTypes:   []investigation.DataType{investigation.Traces},
		Cost:        1,
		Run: func(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
			w, err := decode[window](arguments)
			if err != nil {
				return Result{}, err
			}
			rows, text, err := query[edgeRow](ctx, r.db, edgesSQL, in(scope, w))
			if err != nil {
				return Result{}, err
			}
			e := edges(rows, w)
			return Result{Summary: fmt.Sprintf("%d calls between services", len(e.Edges)), Query: text, Window: w.public(), Data: e}, nil
		},
		Control: controlWindow,
	}
}

func edges(rows []edgeRow, w window) result.Edges {
	at := endpoints{}
	out := result.Edges{Edges: []result.Edge{}, Endpoints: []result.Endpoint{}}
	for _, row := range rows {
		if _, known := at[row.Address]; !known && row.Side == "server" {
			at[row.Address] = row.Service
			out.Endpoints = append(out.Endpoints, result.Endpoint{Service: row.Service, Address: row.Address})
		}
	}
	groups := map[edgeKey]*tally{}
	for _, row := range rows {
		if row.Side == "client" {
			of(groups, edgeKey{row.Service, at.peer(row.Peer, row.Address), row.Address, row.Protocol}).add(row.counts)
		}
	}
	for key, t := range groups {
		out.Edges = append(out.Edges, result.Edge{
			From: key.from, To: key.to, Address: key.address, Protocol: key.protocol, Measure: t.measure(w.seconds()),
		})
	}
	slices.SortFunc(out.Edges, func(a, b result.Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Address, b.Address), cmp.Compare(a.Protocol, b.Protocol))
	})
	slices.SortFunc(out.Endpoints, func(a, b result.Endpoint) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Address, b.Address))
	})
	return out
}
