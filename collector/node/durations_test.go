package node

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/collector/host"
	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/conversation"
	"github.com/midwatch/midwatch/collector/protocol/span"
)

// measured keeps the points of histograms, as "http.server.request.duration{http.request.method=GET …} 2".
type measured struct {
	Sink
	points []string
}

func (m *measured) Metrics(_ context.Context, all pmetric.Metrics) error {
	for _, rm := range all.ResourceMetrics().All() {
		for _, metric := range rm.ScopeMetrics().At(0).Metrics().All() {
			for _, p := range metric.Histogram().DataPoints().All() {
				var labels []string
				for name, v := range p.Attributes().All() {
					labels = append(labels, name+"="+v.AsString())
				}
				slices.Sort(labels)
				m.points = append(m.points, fmt.Sprintf("%s{%s} %d", metric.Name(), strings.Join(labels, " "), p.Count()))
			}
		}
	}
	slices.Sort(m.points)
	return nil
}

func observe(d *durations, role probe.Role, c protocol.Call) {
	s := ptrace.NewSpan()
	span.Fill(s, conversation.Peer{Role: role}, c)
	d.observe(&host.Process{Service: "shop"}, s, c.Duration)
}

func TestDurations(t *testing.T) {
	var got measured
	d := newDurations(host.Identity{}, &got, slog.Default())
	for range 2 {
		observe(d, probe.RoleServer, protocol.Call{Protocol: protocol.HTTP, Operation: "GET", Resource: "/", Status: "204"})
	}
	observe(d, probe.RoleClient, protocol.Call{Protocol: protocol.HTTP, Operation: "GET", Resource: "/", Status: "503"})
	observe(d, probe.RoleClient, protocol.Call{Protocol: protocol.MySQL, Operation: "SELECT", Resource: "carts", Failed: true, ErrorType: "1146"})
	observe(d, probe.RoleServer, protocol.Call{Protocol: protocol.GRPC, Operation: "Get", Resource: "shop.Cart", Status: "5", Failed: true, ErrorType: "NOT_FOUND"})
	observe(d, probe.RoleClient, protocol.Call{Protocol: protocol.Kafka, Kind: protocol.Sent, Operation: "Produce", Resource: "orders"})
	observe(d, probe.RoleServer, protocol.Call{Protocol: protocol.NATS, Kind: protocol.Sent, Operation: "publish", Resource: "orders"})
	observe(d, probe.RoleClient, protocol.Call{Protocol: protocol.NATS, Kind: protocol.Delivered, Operation: "deliver", Resource: "orders"})
	d.flush(t.Context(), time.Now())
	want := []string{
		"db.client.operation.duration{db.collection.name=carts db.operation.name=SELECT db.system.name=mysql midwatch.status.class=error} 1",
		"http.client.request.duration{http.request.method=GET http.route=/ midwatch.status.class=5xx} 1",
		"http.server.request.duration{http.request.method=GET http.route=/ midwatch.status.class=2xx} 2",
		"messaging.client.operation.duration{messaging.destination.name=orders messaging.operation.name=Produce messaging.system=kafka midwatch.status.class=ok} 1",
		"midwatch.messaging.server.operation.duration{messaging.destination.name=orders messaging.operation.name=publish messaging.system=nats midwatch.status.class=ok} 1",
		"rpc.server.duration{midwatch.status.class=ok rpc.method=Get rpc.service=shop.Cart rpc.system=grpc} 1",
	}
	if diff := cmp.Diff(want, got.points); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
}

// TestTooManyDurations: what is too much is counted under one operation for each system.
func TestTooManyDurations(t *testing.T) {
	var got measured
	d := newDurations(host.Identity{}, &got, slog.Default())
	for i := range maxSeries + 10 {
		observe(d, probe.RoleServer, protocol.Call{Protocol: protocol.Redis, Operation: fmt.Sprint("C", i)})
		observe(d, probe.RoleServer, protocol.Call{Protocol: protocol.HTTP, Operation: "GET", Resource: fmt.Sprint("/", i), Status: "200"})
	}
	d.flush(t.Context(), time.Now())
	if len(got.points) != maxSeries+2 {
		t.Errorf("%d histograms", len(got.points))
	}
	for _, want := range []string{
		fmt.Sprintf("http.server.request.duration{http.request.method=_other midwatch.status.class=2xx} %d", maxSeries/2+10),
		fmt.Sprintf("midwatch.db.server.operation.duration{db.operation.name=_other db.system.name=redis midwatch.status.class=ok} %d", maxSeries/2+10),
	} {
		if !slices.Contains(got.points, want) {
			t.Errorf("missing: %s", want)
		}
	}
}
