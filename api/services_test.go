package api_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/midwatch/midwatch/api"
	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
)

// TestServices asks about the telemetry of a shop in a real store.
func TestServices(t *testing.T) {
	db := storetest.Open(t)
	end := time.Now().UTC().Truncate(time.Minute)
	begin := end.Add(-5 * time.Minute)
	names := toolstest.Plain
	shop := toolstest.New(names, 1, begin, end, toolstest.Healthy())
	shop.Run(begin, end)
	shop.Deploy(end.Add(-time.Minute), names.Payment)
	shop.Write(t, db)
	in := start(t, func(c *api.Config) { c.Tools, c.Environment = tools.All(db), toolstest.Environment })
	viewer, ctx, window := in.as(auth.Viewer), t.Context(), client.Range{From: begin, To: end}

	list := get(viewer.Services(ctx, window))(t)
	i := slices.IndexFunc(list.Services, func(s wire.ServiceRow) bool { return s.Service.Service == names.Payment })
	if i < 0 {
		t.Fatalf("services %+v", list)
	}
	payment := list.Services[i]
	var inSeries uint64
	for _, p := range payment.Series {
		inSeries += p.Requests
	}
	if payment.Requests == 0 || inSeries != payment.Requests || payment.P95MS <= 0 || list.StepS != 5 {
		t.Errorf("%d requests, %d in the series, p95 %v, step %d", payment.Requests, inSeries, payment.P95MS, list.StepS)
	}

	one := get(viewer.Service(ctx, names.Payment, window))(t)
	if len(one.Points) != len(payment.Series) || len(one.Operations) == 0 || len(one.Edges) == 0 || len(one.Changes.Deployments) != 1 {
		t.Errorf("service %+v", one)
	}
	for _, e := range one.Edges {
		if e.From != names.Payment && e.To != names.Payment {
			t.Errorf("edge %s to %s", e.From, e.To)
		}
	}
	if edges := get(viewer.Edges(ctx, window))(t); len(edges.Edges.Edges) <= len(one.Edges) {
		t.Errorf("%d edges", len(edges.Edges.Edges))
	}
	if changes := get(viewer.Changes(ctx, names.Cart, window))(t); len(changes.Deployments) != 0 {
		t.Errorf("changes %+v", changes)
	}
	if nobody := get(viewer.Service(ctx, "no such service", window))(t); len(nobody.Points) != 0 {
		t.Errorf("nobody %+v", nobody)
	}
}

func TestTools(t *testing.T) {
	db := storetest.Open(t)
	in := start(t, func(c *api.Config) { c.Tools = tools.All(db) })
	operator, ctx := in.as(auth.Operator), t.Context()
	list := get(operator.Tools(ctx))(t)
	if len(list.Tools) < 8 || list.Tools[0].Schema == nil {
		t.Errorf("tools %+v", list)
	}
	arguments := json.RawMessage(`{"from":"2026-01-01T00:00:00Z","to":"2026-01-01T00:10:00Z"}`)
	r := get(operator.RunTool(ctx, "list_services", arguments))(t)
	if r.Query == "" || r.Window.To.IsZero() {
		t.Errorf("result %+v", r)
	}
	if _, err := operator.RunTool(ctx, "list_services", json.RawMessage(`{"from":1}`)); err == nil {
		t.Error("bad arguments were accepted")
	}
	if !in.audited("operator person", "tools.run", "allowed") || !in.audited("operator person", "tools.run", "refused") {
		t.Error("not audited")
	}
}
