package exporter

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/collector/kube/index"
	"github.com/midwatch/midwatch/collector/kube/object"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// start is when the cluster of these tests begins.
var start = time.Date(2026, 3, 1, 3, 12, 0, 0, time.UTC)

// podJSON is a pod of a Deployment, as an API server tells it.
func podJSON(name, address, container string, started time.Time) string {
	return fmt.Sprintf(`{"kind":"Pod","apiVersion":"v1","metadata":{"namespace":"shop","name":"%[1]s-6d4f9-x2x","uid":"uid-%[1]s-%[3]s","resourceVersion":"1",
		"creationTimestamp":%[4]q,"labels":{"pod-template-hash":"6d4f9","tier":"web"},
		"ownerReferences":[{"kind":"ReplicaSet","name":"%[1]s-6d4f9","uid":"rs-%[1]s","controller":true}]},
		"spec":{"nodeName":"n1"},"status":{"phase":"Running","podIP":%[2]q,"podIPs":[{"ip":%[2]q}],
		"containerStatuses":[{"name":"main","containerID":"containerd://%[3]s","state":{"running":{"startedAt":%[4]q}}}]}}`,
		name, address, container, started.Format(time.RFC3339))
}

func see(t *testing.T, x *index.Index, raw string, deleted bool, at time.Time) {
	t.Helper()
	o, err := object.Decode([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	x.Apply(index.Seen{Object: o, Deleted: deleted, At: at, Live: true})
}

func newIndexed(t *testing.T) (*Exporter, *index.Index) {
	t.Helper()
	x := index.New(index.Config{PodLabels: []string{"tier"}, Now: func() time.Time { return start.Add(time.Hour) }})
	return &Exporter{cfg: Config{Index: x}, peers: newPeers(time.Now), outside: newOutside(time.Now)}, x
}

// call is a client's span to an address at a moment.
func call(address string, at time.Time) payload {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr(telemetry.HostName, "n1")
	s := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetKind(ptrace.SpanKindClient)
	s.SetStartTimestamp(pcommon.NewTimestampFromTime(at))
	s.Attributes().PutStr(telemetry.ServerAddress, address)
	s.Attributes().PutInt(telemetry.ServerPort, 8080)
	return payload{signal: telemetry.Traces, traces: td}
}

func peerOf(p payload) string {
	return text(p.traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes(), telemetry.PeerService)
}

func TestContainersGetTheirPod(t *testing.T) {
	e, x := newIndexed(t)
	see(t, x, podJSON("cart", "10.0.0.7", "abc", start), false, start)
	for _, c := range []struct {
		name string
		own  map[string]any
		want string // service.name
	}{
		{"named by the node agent", map[string]any{"service.name": "server"}, "cart.shop"},
		{"named by its maker", map[string]any{"service.name": "checkout", "telemetry.sdk.name": "opentelemetry"}, "checkout"},
	} {
		p := call("10.9.9.9", start)
		resource := p.traces.ResourceSpans().At(0).Resource().Attributes()
		resource.PutStr("container.id", "abc")
		for k, v := range c.own {
			resource.PutStr(k, v.(string))
		}
		e.enrich(p, 0)
		want := map[string]any{
			"host.name": "n1", "container.id": "abc", "service.name": c.want, "k8s.namespace.name": "shop", "k8s.pod.name": "cart-6d4f9-x2x", "k8s.pod.uid": "uid-cart-abc",
			"k8s.node.name": "n1", "k8s.container.name": "main", "midwatch.workload": "deployment/cart", "k8s.pod.label.tier": "web",
		}
		if v, ok := c.own["telemetry.sdk.name"]; ok {
			want["telemetry.sdk.name"] = v
		}
		if diff := cmp.Diff(want, resource.AsRaw()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestAnAddressIsWhoseItWas gives one address to a second pod three seconds after the first one ended.
func TestAnAddressIsWhoseItWas(t *testing.T) {
	e, x := newIndexed(t)
	see(t, x, podJSON("cart", "10.0.0.7", "abc", start), false, start.Add(time.Second))
	see(t, x, podJSON("cart", "10.0.0.7", "abc", start), true, start.Add(60*time.Second))
	see(t, x, podJSON("billing", "10.0.0.7", "def", start.Add(63*time.Second)), false, start.Add(64*time.Second))
	for _, c := range []struct {
		after time.Duration
		want  string
	}{
		{30 * time.Second, "cart.shop"},
		{59 * time.Second, "cart.shop"},
		{61 * time.Second, "cart.shop"}, // told of after its end, and nobody else had it
		{63 * time.Second, "billing.shop"},
		{10 * time.Minute, "billing.shop"},
		{-10 * time.Minute, ""},
	} {
		p := call("10.0.0.7", start.Add(c.after))
		e.enrich(p, 0)
		if got := peerOf(p); got != c.want {
			t.Errorf("after %s: %q, want %q", c.after, got, c.want)
		}
	}
	// The same by a node whose clock is four minutes ahead.
	p := call("10.0.0.7", start.Add(30*time.Second+4*time.Minute))
	e.enrich(p, 4*time.Minute)
	if got := peerOf(p); got != "cart.shop" {
		t.Errorf("by a clock that is ahead: %q", got)
	}
}

// TestPodsOfOneNodeAreWorkloads has peers that the node agent named after their process, and one that a program named itself.
func TestPodsOfOneNodeAreWorkloads(t *testing.T) {
	for _, c := range []struct {
		what, address, sdk, want string
		kind                     ptrace.SpanKind
	}{
		{"the server is a pod", "10.0.0.7", "", "cart.shop", ptrace.SpanKindClient},
		{"the client is a pod", "10.0.0.7", "", "cart.shop", ptrace.SpanKindServer},
		{"no pod", "10.1.0.2", "", "server", ptrace.SpanKindServer},
		{"a program says so", "10.0.0.7", "opentelemetry", "server", ptrace.SpanKindClient},
	} {
		e, x := newIndexed(t)
		see(t, x, podJSON("cart", "10.0.0.7", "abc", start), false, start)
		p := call(c.address, start.Add(time.Minute))
		rs := p.traces.ResourceSpans().At(0)
		if c.sdk != "" {
			rs.Resource().Attributes().PutStr("telemetry.sdk.name", c.sdk)
		}
		span := rs.ScopeSpans().At(0).Spans().At(0)
		span.SetKind(c.kind)
		span.Attributes().PutStr(telemetry.PeerAddress, c.address)
		span.Attributes().PutStr(telemetry.PeerService, "server")
		e.enrich(p, 0)
		if got := peerOf(p); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

func TestAClusterIPIsTheWorkloadBehindIt(t *testing.T) {
	e, x := newIndexed(t)
	see(t, x, `{"kind":"Service","metadata":{"namespace":"shop","name":"basket","uid":"s1","creationTimestamp":"2026-03-01T03:12:00Z"},"spec":{"clusterIP":"10.96.0.9","clusterIPs":["10.96.0.9"]}}`, false, start)
	slice := `{"kind":"EndpointSlice","metadata":{"namespace":"shop","name":"basket-1","uid":"e1","labels":{"kubernetes.io/service-name":"basket"}},"endpoints":[%s]}`
	at := start.Add(time.Minute)
	ask := func() string {
		p := call("10.96.0.9", at)
		e.enrich(p, 0)
		return peerOf(p)
	}
	if got := ask(); got != "basket.shop" {
		t.Errorf("nothing behind it yet: %q", got)
	}
	see(t, x, fmt.Sprintf(slice, `{"targetRef":{"kind":"Pod","uid":"uid-cart-abc"}}`), false, start) // before its pod
	see(t, x, podJSON("cart", "10.0.0.7", "abc", start), false, start)
	if got := ask(); got != "cart.shop" {
		t.Errorf("behind the Service is cart, got %q", got)
	}
	see(t, x, fmt.Sprintf(slice, ""), false, start)
	if got := ask(); got != "cart.shop" {
		t.Errorf("whose pods are all down it is still cart's, got %q", got)
	}
	see(t, x, podJSON("canary", "10.0.0.8", "can", start), false, start)
	see(t, x, fmt.Sprintf(slice, `{"targetRef":{"uid":"uid-cart-abc"}},{"targetRef":{"uid":"uid-canary-can"}}`), false, start)
	if got := ask(); got != "basket.shop" {
		t.Errorf("behind it are two workloads: it is the Service itself, got %q", got)
	}
}

func TestYoungStrangersWait(t *testing.T) {
	e, x := newIndexed(t)
	strange, err := newStrangers()
	if err != nil {
		t.Fatal(err)
	}
	p := call("10.0.0.7", start)
	p.traces.ResourceSpans().At(0).Resource().Attributes().PutStr("container.id", "abc")
	delivered := func(times uint64) *jetstream.MsgMetadata {
		return &jetstream.MsgMetadata{Timestamp: start, NumDelivered: times}
	}
	if !strange.await(x, p, delivered(1), start.Add(time.Second)) {
		t.Error("a young message of an unknown container does not wait")
	}
	see(t, x, podJSON("cart", "10.0.0.7", "abc", start), false, start)
	if strange.await(x, p, delivered(2), start.Add(2*time.Second)) {
		t.Error("it waits though the container is known")
	}
	e.enrich(p, 0)
	if got := text(p.traces.ResourceSpans().At(0).Resource().Attributes(), telemetry.K8sPod); got != "cart-6d4f9-x2x" {
		t.Errorf("pod %q", got)
	}
	p.traces.ResourceSpans().At(0).Resource().Attributes().PutStr("container.id", "docker")
	x.Synced()
	for _, c := range []struct {
		times uint64
		after time.Duration
		want  bool
	}{{1, 0, true}, {5, 3 * time.Second, true}, {21, 11 * time.Second, false}, {1, time.Second, false}} {
		if got := strange.await(x, p, delivered(c.times), start.Add(c.after)); got != c.want {
			t.Errorf("delivery %d after %s: waits %t; a container that no pod has is waited for once", c.times, c.after, got)
		}
	}
}

func TestClocksOfNodesAreCompared(t *testing.T) {
	c := newClocks()
	for _, x := range []struct {
		stored, newest time.Duration // since the start
		want           time.Duration
	}{
		{0, -time.Second, 0},
		{10 * time.Second, 9 * time.Second, 0},
		{20 * time.Second, 5*time.Minute + 18*time.Second, 298 * time.Second}, // its clock was set
	} {
		if got := c.ahead("traces.n1", start.Add(x.newest), start.Add(x.stored)); got != x.want {
			t.Errorf("stored after %s: %s ahead, want %s", x.stored, got, x.want)
		}
	}
	behind := func(at time.Duration) time.Duration {
		return c.ahead("traces.n2", start.Add(at-4*time.Minute), start.Add(at))
	}
	if got := behind(0); got != 0 {
		t.Errorf("one late batch is no clock: %s", got)
	}
	if got := behind(3 * time.Minute); got != -4*time.Minute {
		t.Errorf("a clock that stays behind: %s", got)
	}
}
