package tools_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/result"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
)

var (
	start   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	onset   = start.Add(60 * time.Second)
	end     = onset.Add(30 * time.Second)
	healthy = investigation.Window{From: start, To: onset.Add(-5 * time.Second)}
)

// windows are the arguments of a tool that compares the fault with healthy time.
func windows(more map[string]any) json.RawMessage {
	object := map[string]any{"from": onset, "to": end, "baseline_from": healthy.From, "baseline_to": healthy.To}
	for k, v := range more {
		object[k] = v
	}
	b, _ := json.Marshal(object)
	return b
}

// registry holds the tools over a store with a shop that broke at onset.
func registry(t *testing.T, fault toolstest.Fault) *tools.Registry {
	db := storetest.Open(t)
	shop := toolstest.New(toolstest.Plain, 1, start, onset, fault)
	shop.Run(start, end)
	shop.Write(t, db)
	return tools.All(db)
}

func run[T any](t *testing.T, r *tools.Registry, environment, name string, arguments json.RawMessage) T {
	t.Helper()
	tool, err := r.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	res, err := tool.Run(t.Context(), tools.Scope{Environment: environment}, arguments)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if res.Query == "" || res.Summary == "" {
		t.Errorf("%s: a result needs a query and a summary, got %+v", name, res)
	}
	b, err := json.Marshal(res.Data)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(b, 0) {
		t.Errorf("%s: NUL in the result", name)
	}
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestCompareWindowsNamesWhatChanged(t *testing.T) {
	n := toolstest.Plain
	r := registry(t, toolstest.MissingIndex(n))
	c := run[result.Comparison](t, r, toolstest.Environment, "compare_windows", windows(nil))
	flags := map[string]bool{}
	for _, s := range c.Services {
		flags[s.Service] = s.Slow
		if s.Failing {
			t.Errorf("%s is said to fail", s.Service)
		}
	}
	for service, slow := range map[string]bool{n.Postgres: true, n.Catalog: true, n.Gateway: true, n.Cart: false, n.Payment: false, n.Redis: false} {
		if got, seen := flags[service]; !seen || got != slow {
			t.Errorf("%s: slow is %v (seen %v), want %v", service, got, seen, slow)
		}
	}
	for _, s := range c.Services {
		if s.Service == n.Catalog && s.SelfMS.Fault > 10 {
			t.Errorf("catalog spends %v ms by itself, its time is its database's", s.SelfMS.Fault)
		}
	}
	if again := run[result.Comparison](t, r, "another", "compare_windows", windows(nil)); len(again.Services) != 0 {
		t.Errorf("another environment sees %d services", len(again.Services))
	}
}

func TestEveryToolAnswersAndIsStable(t *testing.T) {
	r := registry(t, toolstest.PoolExhausted(toolstest.Plain, true).With(toolstest.HarmlessDeployment(toolstest.Plain)))
	for _, name := range r.Names() {
		tool, _ := r.Get(name)
		arguments := windows(asking[name])
		if !takes(t, tool, "baseline_from") {
			arguments = during(asking[name])
		}
		first := run[any](t, r, toolstest.Environment, name, arguments)
		second := run[any](t, r, toolstest.Environment, name, arguments)
		a, _ := json.Marshal(first)
		b, _ := json.Marshal(second)
		if string(a) != string(b) {
			t.Errorf("%s: two runs differ", name)
		}
		if len(a) < 100 {
			t.Errorf("%s found nothing: %s", name, a)
		}
		control, ok := tool.Control(arguments, healthy)
		if ok != (name != "trace") {
			t.Errorf("%s has a control: %v", name, ok)
		}
		if ok {
			run[any](t, r, toolstest.Environment, name, control)
		}
		if name != "contrast" { // there it has no threshold to take
			run[any](t, r, "nothing here", name, arguments)
		}
	}
}

// asking is what some tools have to be asked with, besides when.
var asking = map[string]map[string]any{
	"service_health": {"service": toolstest.Plain.Cart},
	"contrast":       {"service": toolstest.Plain.Checkout, "by": "slow"},
	"query_metrics":  {"expression": "sum by (service) (process_cpu_utilization)"},
	"trace":          {"trace_id": "00000000000000000000000000000001"},
}

// during are the arguments of a tool that looks at one window: healthy time and the fault.
func during(more map[string]any) json.RawMessage {
	object := map[string]any{"from": start, "to": end}
	for k, v := range more {
		object[k] = v
	}
	b, _ := json.Marshal(object)
	return b
}

func takes(t *testing.T, tool tools.Tool, property string) bool {
	t.Helper()
	var s struct {
		Properties map[string]any `json:"properties"`
	}
	if err := json.Unmarshal(tool.Schema, &s); err != nil {
		t.Fatalf("%s: schema: %v", tool.Name, err)
	}
	_, ok := s.Properties[property]
	return ok
}

func TestBadArgumentsAreRefused(t *testing.T) {
	r := tools.All(nil)
	for _, name := range r.Names() {
		tool, _ := r.Get(name)
		for _, arguments := range []string{
			``, `[]`, `{}`, `{"from":"yesterday"}`, `{"from":"2026-01-01T00:00:00Z","to":"2025-01-01T00:00:00Z"}`,
			`{"from":"2026-01-01T00:00:00Z","to":"2026-01-01T00:01:00Z","sql":"DROP TABLE spans"}`,
		} {
			if _, err := tool.Run(t.Context(), tools.Scope{}, json.RawMessage(arguments)); !errors.Is(err, tools.ErrArguments) {
				t.Errorf("%s(%s): got %v, want ErrArguments", name, arguments, err)
			}
		}
	}
}
