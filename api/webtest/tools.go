package main

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"math"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/result"
)

type arguments struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Service string    `json:"service"`
	StepS   int       `json:"step_s"`
}

// cannedTools answer for a shop whose catalog became slow some minutes ago, whatever the window.
func cannedTools() *tools.Registry {
	return tools.New(
		canned("list_services", "Services seen in a window, with rate, errors and latency.", func(a arguments) any { return services(a) }),
		canned("service_health", "One service over time, and its operations.", func(a arguments) any {
			step := max(a.StepS, 1)
			return result.Health{Service: a.Service, StepS: step, Points: points(a.Service, a.From, a.To, step), Operations: operations(a.Service)}
		}),
		canned("service_edges", "Who calls whom.", func(arguments) any {
			return result.Edges{Edges: edges(), Endpoints: []result.Endpoint{}}
		}),
		canned("recent_changes", "Deployments, starts, exits and OOM kills.", func(a arguments) any {
			c := changesCall(missingIndex("inc-canned", a.To.Add(-time.Minute))).data.(result.Changes)
			for i := range c.Deployments {
				c.Deployments[i].Service = a.Service
			}
			return c
		}),
		canned("search_logs", "Log lines of a service.", func(arguments) any { return result.Logs{} }),
	)
}

// reveals says which kinds of data a canned tool answers with.
var reveals = map[string][]investigation.DataType{
	"list_services": {investigation.Traces}, "service_health": {investigation.Traces, investigation.Metrics}, "service_edges": {investigation.Traces},
	"recent_changes": {investigation.Cluster, investigation.Configuration}, "search_logs": {investigation.Logs},
}

func canned(name, description string, answer func(arguments) any) tools.Tool {
	return tools.Tool{
		Name: name, Description: description, Cost: 1, DataTypes: reveals[name],
		Schema: json.RawMessage(`{"type":"object"}`),
		Run: func(_ context.Context, _ tools.Scope, raw json.RawMessage) (tools.Result, error) {
			var a arguments
			if err := json.Unmarshal(raw, &a); err != nil {
				return tools.Result{}, err
			}
			return tools.Result{Summary: description, Query: "canned", Window: investigation.Window{From: a.From, To: a.To}, Data: answer(a)}, nil
		},
	}
}

// shop is each service's usual requests per second and p95 in milliseconds.
var shop = []struct {
	name, speaks string
	perS, p95    float64
}{
	{"gateway", "http", 31, 22},
	{"catalog", "http", 24, 14},
	{"cart", "http", 18, 6.1},
	{"checkout", "http", 4.2, 38},
	{"payment", "http", 4.1, 21},
	{"postgres", "postgresql", 58, 9.5},
	{"redis", "redis", 41, 0.4},
}

func services(a arguments) result.Services {
	var list result.Services
	for _, s := range shop {
		ps := points(s.name, a.From, a.To, 10)
		m := measure(s.perS, errorsOf(s.name), s.p95)
		if n := len(ps); n > 0 {
			m.P95MS = ps[n/2].P95MS
		}
		list.Services = append(list.Services, result.Service{
			Service: s.name, Measure: m, Calls: 100, Protocols: []string{s.speaks}, Versions: []string{"aaaaaaaaaaaa"},
			Instances: []string{"node-1/1/1"}, Hosts: []string{"node-1"}, LastSeen: a.To,
		})
	}
	list.Services = append(list.Services, result.Service{Service: "load", Calls: 4210, Instances: []string{"node-1/9/9"}, LastSeen: a.To.Add(-2 * time.Second)})
	return list
}

func errorsOf(service string) float64 {
	if service == "payment" {
		return 0.021
	}
	return 0
}

// points wave a little and, for what waits for postgres, rise in the last 90 seconds.
func points(service string, from, to time.Time, stepS int) []result.Point {
	list := []result.Point{}
	step := time.Duration(stepS) * time.Second
	for at := from.Truncate(step); at.Before(to); at = at.Add(step) {
		for _, s := range shop {
			if s.name != service {
				continue
			}
			phase := float64(at.Unix())/47 + float64(phaseOf(service))
			rate := s.perS * (1 + 0.12*math.Sin(phase) + 0.05*math.Sin(5.3*phase))
			p95 := s.p95 * (1 + 0.2*math.Sin(2.1*phase) + 0.08*math.Sin(7*phase))
			if time.Since(at) < 90*time.Second && (service == "gateway" || service == "catalog" || service == "postgres") {
				p95 += 390
			}
			list = append(list, result.Point{Time: at, Measure: measure(rate, errorsOf(service)*(1+math.Sin(3*phase)), p95)})
		}
	}
	return list
}

func phaseOf(service string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(service))
	return h.Sum32() % 100
}

func operations(service string) []result.Operation {
	return []result.Operation{
		{Operation: "GET /products", Measure: measure(14, 0, 412)},
		{Operation: "GET /products/{id}", Measure: measure(9, 0, 11)},
		{Operation: "GET /healthz of " + service, Measure: measure(0.2, 0, 0.4)},
	}
}

func edges() []result.Edge {
	var list []result.Edge
	for _, e := range [][4]string{
		{"gateway", "catalog", "127.0.0.1:8081", "http"},
		{"gateway", "cart", "127.0.0.1:8082", "http"},
		{"gateway", "checkout", "127.0.0.1:8083", "http"},
		{"checkout", "payment", "127.0.0.1:8084", "http"},
		{"checkout", "cart", "127.0.0.1:8082", "http"},
		{"catalog", "postgres", "127.0.0.1:5432", "postgresql"},
		{"cart", "redis", "127.0.0.1:6379", "redis"},
	} {
		list = append(list, result.Edge{From: e[0], To: e[1], Address: e[2], Protocol: e[3], Measure: measure(12, 0, 9)})
	}
	return list
}
