package exporter

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/midwatch/midwatch/collector/kube/index"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// TestWhoeverIsNoneOfOursIsCalledByTheNameAskedFor calls addresses that were asked for under a name.
func TestWhoeverIsNoneOfOursIsCalledByTheNameAskedFor(t *testing.T) {
	e, x := newIndexed(t)
	see(t, x, podJSON("cart", "10.0.0.7", "abc", start), false, start)
	see(t, x, `{"kind":"Service","metadata":{"namespace":"shop","name":"basket","uid":"s1","creationTimestamp":"2026-03-01T03:12:00Z"},"spec":{"clusterIP":"10.96.0.9"}}`, false, start)
	see(t, x, `{"kind":"Service","metadata":{"namespace":"shop","name":"ledger","uid":"s2","creationTimestamp":"2026-03-01T03:12:00Z"},"spec":{"type":"ExternalName","externalName":"db.example.com"}}`, false, start)
	see(t, x, `{"kind":"Node","metadata":{"name":"n2","uid":"n2"},"status":{"addresses":[{"type":"InternalIP","address":"10.1.0.2"}]}}`, false, start)
	here, _ := newEndpoint("n1", "10.9.9.8", "8080")
	e.peers.learn(here, "billing")
	idle, _ := newEndpoint("n1", "10.9.9.9", "8080")
	e.peers.known[idle] = peer{"archive", time.Now().Add(-2 * peerLife)}
	for _, c := range []struct{ what, address, asked, server, peer, node string }{
		{"outside", "198.51.100.7", "api.example.com", "api.example.com", "api.example.com", ""},
		{"outside over IPv6", "2001:db8::7", "api.example.com", "api.example.com", "api.example.com", ""},
		{"outside, nobody asked", "198.51.100.7", "", "198.51.100.7", "", ""},
		{"a pod", "10.0.0.7", "cart-0.cart.shop.svc.cluster.local", "10.0.0.7", "cart.shop", ""},
		{"a Service", "10.96.0.9", "basket.shop.svc.cluster.local", "10.96.0.9", "basket.shop", ""},
		{"a Service that stands for something outside", "198.51.100.9", "ledger.shop.svc.cluster.local", "198.51.100.9", "ledger.shop", ""},
		{"a Service not told of yet", "10.96.0.10", "young.shop.svc.cluster.local", "10.96.0.10", "", ""},
		{"a node", "10.1.0.2", "n2.example.com", "10.1.0.2", "", "n2"},
		{"who was seen to answer", "10.9.9.8", "billing.example.com", "10.9.9.8", "billing", ""},
		{"who answered long ago", "10.9.9.9", "archive.example.com", "10.9.9.9", "", ""},
	} {
		p := call(c.address, start.Add(time.Minute))
		span := p.traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
		span.SetName("CONNECT " + c.address + ":8080")
		span.Attributes().PutStr(telemetry.PeerAddress, c.address)
		if c.asked != "" {
			span.Attributes().PutStr(telemetry.PeerName, c.asked)
		}
		e.enrich(p, 0)
		want := map[string]any{telemetry.ServerAddress: c.server, telemetry.ServerPort: int64(8080), telemetry.PeerAddress: c.address}
		if c.peer != "" {
			want[telemetry.PeerService] = c.peer
		}
		if c.node != "" {
			want[telemetry.PeerNode] = c.node
		}
		if diff := cmp.Diff(want, span.Attributes().AsRaw()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
		if c.what == "outside" && span.Name() != "CONNECT api.example.com:8080" {
			t.Errorf("the span of an attempt to connect is called %q", span.Name())
		}
	}
	// What the node agent knows of its own machine stays.
	p := call("198.51.100.7", start)
	attrs := p.traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes()
	attrs.PutStr(telemetry.PeerService, "redis")
	attrs.PutStr(telemetry.PeerName, "cache.example.com")
	e.enrich(p, 0)
	if text(attrs, telemetry.ServerAddress) != "198.51.100.7" || text(attrs, telemetry.PeerService) != "redis" || text(attrs, telemetry.PeerName) != "" {
		t.Errorf("%v", attrs.AsRaw())
	}
}

func TestWithoutAClusterThereAreOutsideNames(t *testing.T) {
	e := &Exporter{peers: newPeers(time.Now), outside: newOutside(time.Now)}
	p := call("198.51.100.7", start)
	attrs := p.traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes()
	attrs.PutStr(telemetry.PeerName, "odd.svc.example.com")
	e.enrich(p, 0)
	if text(attrs, telemetry.ServerAddress) != "odd.svc.example.com" || peerOf(p) != "odd.svc.example.com" {
		t.Errorf("%v", attrs.AsRaw())
	}
}

func TestOutsidePeersAreBounded(t *testing.T) {
	now := start
	o := newOutside(func() time.Time { return now })
	distinct := map[string]bool{}
	for i := range 10 * maxOutside {
		distinct[o.peer("crawler", fmt.Sprintf("h%d.example.com", i))] = true
	}
	if len(distinct) != maxOutside+1 || !distinct[otherPeer] {
		t.Errorf("%d peers, want %d and %s", len(distinct), maxOutside, otherPeer)
	}
	if got := o.peer("crawler", "h0.example.com"); got != "h0.example.com" {
		t.Errorf("a name called before is %q", got)
	}
	if got := o.peer("shop", "api.example.com"); got != "api.example.com" {
		t.Errorf("another service's is %q", got)
	}
	now = now.Add(outsideLife)
	if got := o.peer("crawler", "new.example.com"); got != "new.example.com" {
		t.Errorf("when the others are long idle a new one is %q", got)
	}
}

// TestConnectionsToOneNameAreAddedUp counts connections to the addresses of one name, and to two pods behind another.
func TestConnectionsToOneNameAreAddedUp(t *testing.T) {
	e := &Exporter{cfg: Config{Index: index.New(index.Config{})}, peers: newPeers(time.Now), outside: newOutside(time.Now)}
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr(telemetry.ServiceName, "shop")
	m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName(telemetry.TCPConnections)
	m.SetEmptyGauge()
	for _, c := range []struct {
		address, asked string
		port, n        int64
	}{
		{"198.51.100.7", "api.example.com", 443, 3},
		{"198.51.100.8", "api.example.com", 443, 4},
		{"198.51.100.8", "api.example.com", 80, 5},
		{"198.51.100.9", "", 443, 1},
		{"198.51.100.10", "", 443, 1},
	} {
		point := m.Gauge().DataPoints().AppendEmpty()
		point.SetTimestamp(pcommon.NewTimestampFromTime(start))
		point.SetDoubleValue(float64(c.n))
		point.Attributes().PutStr(telemetry.ServerAddress, c.address)
		point.Attributes().PutStr(telemetry.ServerPort, fmt.Sprint(c.port))
		if c.asked != "" {
			point.Attributes().PutStr(telemetry.PeerName, c.asked)
		}
	}
	e.enrich(payload{signal: telemetry.Metrics, metrics: md}, 0)
	got := map[string]float64{}
	for _, p := range m.Gauge().DataPoints().All() {
		a := p.Attributes()
		got[text(a, telemetry.PeerService)+" at "+text(a, telemetry.ServerAddress)+":"+text(a, telemetry.ServerPort)] += p.DoubleValue()
		if text(a, telemetry.PeerName) != "" {
			t.Errorf("%v", a.AsRaw())
		}
	}
	want := map[string]float64{
		"api.example.com at api.example.com:443": 7, "api.example.com at api.example.com:80": 5,
		" at 198.51.100.9:443": 1, " at 198.51.100.10:443": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" || m.Gauge().DataPoints().Len() != len(want) {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
