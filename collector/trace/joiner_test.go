package trace_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/midwatch/midwatch/collector/protocol/conversation"
	"github.com/midwatch/midwatch/collector/trace"
)

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

var (
	now = time.Unix(1000, 0)
	one = conversation.Request{Client: netip.MustParseAddrPort("10.0.0.1:40000"), First: 7}
	two = conversation.Request{Client: netip.MustParseAddrPort("10.0.0.1:40000"), First: 8}
)

// placed is what a Joiner handed on, by name, and the names in order.
type placed struct {
	ids   map[string]trace.Identity
	order []string
}

func joiner(t *testing.T) (*trace.Joiner[string], *placed) {
	p := &placed{ids: map[string]trace.Identity{}}
	return trace.NewJoiner(func(call string, id trace.Identity) {
		if _, twice := p.ids[call]; twice {
			t.Errorf("%s came twice", call)
		}
		if id.Trace.IsEmpty() || id.Span.IsEmpty() {
			t.Errorf("%s has no identity: %+v", call, id)
		}
		p.ids[call] = id
		p.order = append(p.order, call)
	}), p
}

func (p *placed) isRoot(t *testing.T, call string) {
	t.Helper()
	if id, ok := p.ids[call]; !ok || !id.Parent.IsEmpty() {
		t.Errorf("%s is no root: %t %+v", call, ok, id)
	}
}

func (p *placed) isBelow(t *testing.T, call, parent string) {
	t.Helper()
	id, above := p.ids[call], p.ids[parent]
	if id.Trace.IsEmpty() || id.Trace != above.Trace || id.Parent != above.Span || id.Span == above.Span {
		t.Errorf("%s is not below %s: %+v, %+v", call, parent, id, above)
	}
}

func TestServerFirst(t *testing.T) {
	j, p := joiner(t)
	j.Add(now, trace.End{Request: one, Server: true, Here: true}, "server")
	if len(p.order) != 0 {
		t.Fatalf("the server did not wait: %v", p.order)
	}
	j.Add(now, trace.End{Request: one, Here: true}, "client")
	p.isRoot(t, "client")
	p.isBelow(t, "server", "client")
}

func TestClientFirst(t *testing.T) {
	j, p := joiner(t)
	j.Add(now, trace.End{Request: one}, "client") // an address that was translated does not say that the other end is here
	j.Add(now, trace.End{Request: one, Server: true, Here: true}, "server")
	p.isRoot(t, "client")
	p.isBelow(t, "server", "client")
}

func TestOthersAreNotJoined(t *testing.T) {
	j, p := joiner(t)
	j.Add(now, trace.End{Request: one, Here: true}, "client")
	j.Add(now, trace.End{Request: two, Server: true, Here: true}, "another")
	j.Add(now, trace.End{Server: true, Here: true}, "unknown")
	j.Add(now, trace.End{Server: true}, "unknown, too")
	j.Close()
	for _, call := range []string{"client", "another", "unknown", "unknown, too"} {
		p.isRoot(t, call)
	}
	if p.ids["unknown"].Trace == p.ids["unknown, too"].Trace {
		t.Error("two that nothing is known of share a trace")
	}
}

func TestTheOtherEndIsElsewhere(t *testing.T) {
	j, p := joiner(t)
	j.Add(now, trace.End{Request: one, Server: true}, "server")
	p.isRoot(t, "server") // at once
}

func TestTraceContext(t *testing.T) {
	j, p := joiner(t)
	j.Add(now, trace.End{Request: one, Server: true, Here: true, TraceParent: traceparent}, "server")
	j.Add(now, trace.End{Request: one, Here: true, TraceParent: traceparent}, "client")
	j.Add(now, trace.End{Request: two, Here: true, TraceParent: "00-zz-00f067aa0ba902b7-01"}, "broken")
	for _, call := range []string{"server", "client"} {
		if id := p.ids[call]; id.Trace.String() != "4bf92f3577b34da6a3ce929d0e0e4736" || id.Parent.String() != "00f067aa0ba902b7" {
			t.Errorf("%s: %+v", call, id)
		}
	}
	p.isRoot(t, "broken")
}

func TestNobodyWaitsForLong(t *testing.T) {
	j, p := joiner(t)
	j.Add(now, trace.End{Request: one, Server: true, Here: true}, "first")
	j.Add(now.Add(time.Second), trace.End{Request: two, Server: true, Here: true}, "second")
	j.Expire(now.Add(1999 * time.Millisecond))
	if len(p.order) != 0 {
		t.Fatalf("too early: %v", p.order)
	}
	j.Expire(now.Add(2 * time.Second))
	p.isRoot(t, "first")
	if len(p.order) != 1 {
		t.Fatalf("too early: %v", p.order)
	}
	j.Add(now, trace.End{Request: one, Here: true}, "client") // too late to be above it
	p.isRoot(t, "client")
	j.Add(now, trace.End{Request: two, Server: true, Here: true}, "the same again")
	p.isRoot(t, "second")
	j.Close()
	p.isRoot(t, "the same again")
}

func TestBounded(t *testing.T) {
	placed := 0
	j := trace.NewJoiner(func(int, trace.Identity) { placed++ })
	const n = 50_000
	for i := range uint32(n) {
		j.Add(now, trace.End{Request: conversation.Request{Client: one.Client, First: i}, Server: true, Here: true}, 0)
	}
	if placed < n-16384 {
		t.Errorf("%d calls wait", n-placed)
	}
	j.Close()
	if placed != n {
		t.Errorf("%d of %d calls came out", placed, n)
	}
}
