package main

import (
	"time"

	"github.com/midwatch/midwatch/internal/tools/result"
)

func slowComparison(s story) result.Comparison {
	c := healthyComparison(s)
	c.Services[0].Change = slower(12, 9.5, 420)
	c.Services[1].Change = slower(24, 14, 412)
	c.Services[2].Change = slower(31, 22, 436)
	c.Edges[0].Change = slower(12, 9, 418)
	c.Edges[1].Change = slower(24, 15, 414)
	c.Operations[0].Change = slower(12, 9.5, 421)
	return c
}

func healthyComparison(s story) result.Comparison {
	c := result.Comparison{FaultWindow: s.request.Fault, HealthyWindow: s.request.Healthy}
	for i, name := range []string{"postgres", "catalog", "gateway", "cart", "checkout", "payment"} {
		c.Services = append(c.Services, result.ServiceChange{
			Service: name, Change: slower(12+float64(3*i), 9+float64(i), 9.4+float64(i)), Versions: []string{"aaaaaaaaaaaa"},
		})
		c.Services[i].Slow = false
	}
	for _, e := range [][3]string{{"catalog", "postgres", "postgresql"}, {"gateway", "catalog", "http"}, {"cart", "redis", "redis"}} {
		ec := result.EdgeChange{From: e[0], To: e[1], Protocol: e[2], Address: "127.0.0.1:5432", Change: slower(24, 10, 10.3)}
		ec.Slow = false
		c.Edges = append(c.Edges, ec)
	}
	for _, o := range [][2]string{{"postgres", "SELECT products"}, {"catalog", "GET /products"}, {"cart", "POST /cart/{id}"}} {
		oc := result.OperationChange{Service: o[0], Operation: o[1], Change: slower(24, 10, 10.3)}
		oc.Slow = false
		c.Operations = append(c.Operations, oc)
	}
	return c
}

func slower(perS, before, p95 float64) result.Change {
	return result.Change{
		Fault: measure(perS*0.97, 0.002, p95), Healthy: measure(perS, 0, before), RateRatio: 0.97, P50Ratio: p95 / before, P95Ratio: p95 / before,
		LatencyZ: 21, Slow: true,
	}
}

func measure(perS, errors, p95 float64) result.Measure {
	n := uint64(perS * 60)
	return result.Measure{
		Requests: n, RatePerS: perS, Errors: uint64(float64(n) * errors), ErrorRatio: errors,
		MeanMS: p95 * 0.5, P50MS: p95 * 0.42, P95MS: p95, P99MS: p95 * 1.6,
	}
}

func edgesCall() call {
	return call{
		tool: "service_edges", why: "Who calls whom?", summary: "7 edges between 8 services", query: "SELECT … FROM edges_1m WHERE …",
		data: result.Edges{Edges: edges(), Endpoints: []result.Endpoint{{Service: "postgres", Address: "127.0.0.1:5432"}}},
	}
}

func hostCall() call {
	pair := func(fault, healthy float64) result.Pair { return result.Pair{Fault: fault, Healthy: healthy} }
	return call{
		tool: "host_resources", why: "Is the machine short of anything, and who uses it?", query: "SELECT … FROM metrics WHERE …",
		summary: "node-1: CPU 61% busy (before 24%), postgres 1.31 cores (before 0.19)",
		data: result.HostResources{
			Hosts: []result.Host{{
				Host: "node-1", CPUBusy: pair(0.61, 0.24), CPUPressure: pair(0.07, 0.01), MemoryPressure: pair(0, 0), IOPressure: pair(0.01, 0.004),
				MemoryUsed: pair(3.1e9, 3e9), DiskFull: pair(0.41, 0.41),
			}},
			Services: []result.ServiceUsage{
				{Service: "postgres", CPU: pair(1.31, 0.19), RunDelay: pair(0.02, 0.002), Memory: pair(420e6, 415e6)},
				{Service: "catalog", CPU: pair(0.08, 0.09), RunDelay: pair(0.01, 0.002), Memory: pair(38e6, 38e6)},
				{Service: "gateway", CPU: pair(0.11, 0.12), RunDelay: pair(0.01, 0.003), Memory: pair(41e6, 40e6)},
			},
			Processes: []result.Process{},
		},
	}
}

func processCall() call {
	pair := func(fault, healthy float64) result.Pair { return result.Pair{Fault: fault, Healthy: healthy} }
	return call{
		tool: "process_resources", why: "Does a process grow, wait for a core, or hold its connections?", query: "SELECT … FROM metrics WHERE …",
		summary: "postgres 1.31 cores; no process grows; catalog holds 8 connections to postgres (before 3)",
		data: result.ProcessResources{
			Processes: []result.Process{
				{
					Service: "postgres", Instance: "node-1/2101/88", PID: "2101", Executable: "/usr/lib/postgresql/15/bin/postgres", CPU: pair(1.31, 0.19),
					MemoryBytes: pair(420e6, 415e6), MemoryMax: 422e6, GrowthPerS: 1200, OpenFiles: pair(58, 51), Threads: pair(1, 1),
				},
				{
					Service: "catalog", Instance: "node-1/2140/95", PID: "2140", Executable: "/opt/shop/catalog", CPU: pair(0.08, 0.09),
					MemoryBytes: pair(38e6, 38e6), MemoryMax: 39e6, LimitBytes: 268435456, OpenFiles: pair(21, 14), Threads: pair(9, 9),
				},
			},
			Connections: []result.Connection{
				{Service: "catalog", Peer: "postgres", Address: "127.0.0.1:5432", Mean: pair(7.6, 2.9), Max: pair(8, 4)},
				{Service: "cart", Peer: "redis", Address: "127.0.0.1:6379", Mean: pair(4, 4), Max: pair(4, 4)},
			},
		},
	}
}

func statementsCall() call {
	scan := slower(11.8, 10.7, 398)
	scan.P50Ratio = 37
	primary := slower(30, 1.9, 2.1)
	primary.Slow = false
	return call{
		tool: "statements", why: "Which statements became slow or fail?", query: "SELECT … FROM spans WHERE db_system != '' …",
		summary: "SELECT products by category: median 168 ms (before 4.5 ms); 3 other statements as before",
		data: result.Statements{Statements: []result.Statement{
			{Database: "postgres", Side: "server", System: "postgresql", Collection: "products", Operation: "SELECT", Query: scanQuery, Change: scan, TimePerS: result.Pair{Fault: 1980, Healthy: 54}, Callers: []string{"catalog"}},
			{Database: "postgres", Side: "server", System: "postgresql", Collection: "products", Operation: "SELECT", Query: "SELECT id, name, price FROM products WHERE id = $1", Change: primary, TimePerS: result.Pair{Fault: 31, Healthy: 29}, Callers: []string{"catalog"}},
			{Database: "redis", Side: "server", System: "redis", Operation: "GET", Query: "GET ?", Change: primary, TimePerS: result.Pair{Fault: 4, Healthy: 4}, Callers: []string{"cart"}},
		}},
	}
}

func spansCall(s story) call {
	return call{
		tool: "slow_spans", why: "Which requests are slow, exactly?", query: "SELECT … FROM spans WHERE duration > …", summary: "2 groups over 150 ms",
		data: result.SpanGroups{ThresholdMS: 150, Groups: []result.SpanGroup{
			{Service: "postgres", Side: "server", Peer: "catalog", Operation: "SELECT products", Count: 331, Baseline: 0, P50MS: 171, MaxMS: 640, First: s.request.Fault.From, Last: s.request.Fault.To},
			{Service: "gateway", Side: "server", Operation: "GET /products", ErrorType: "timeout", Code: "504", Message: "upstream timed out", Count: 4, P50MS: 2001, MaxMS: 2003, First: s.request.Fault.From, Last: s.request.Fault.To},
		}},
	}
}

func logsCall(s story) call {
	at := s.request.Fault.From
	return call{
		tool: "search_logs", why: "What does postgres itself say that it did not say before?", query: "SELECT … FROM logs WHERE …", summary: "1 new pattern: duration … ms statement …",
		data: result.Logs{Matched: 214, Patterns: []result.LogPattern{
			{Service: "postgres", Severity: "INFO", Pattern: "LOG: duration: <n> ms  execute <id>: SELECT id, name, price FROM products WHERE category = <v>", Count: 212, New: true, First: at, Sample: "LOG: duration: 171.204 ms"},
			{Service: "postgres", Severity: "INFO", Pattern: "LOG: checkpoint complete: wrote <n> buffers", Count: 2, Baseline: 1.8, First: at, Sample: "LOG: checkpoint complete"},
		}, Lines: []result.LogLine{
			{Time: at.Add(9 * time.Second), Service: "postgres", Severity: "INFO", Body: "LOG: duration: 171.204 ms  execute stmt_4: " + scanQuery},
			{Time: at.Add(8 * time.Second), Service: "postgres", Severity: "INFO", Body: "<img src=x onerror=alert(1)> is only text here"},
		}},
	}
}

func healthCall(s story) call {
	return call{
		tool: "service_health", why: "When exactly did catalog become slow?", query: "SELECT … FROM service_1s WHERE …", summary: "catalog: p95 14 ms until 02:14:20, then 412 ms",
		data: result.Health{Service: "catalog", StepS: 1, Points: points("catalog", s.request.Fault.From, s.request.Fault.To, 1), Operations: operations("catalog")},
	}
}
