package node

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/collector/host/hosttest"
	"github.com/midwatch/midwatch/collector/protocol/dns/dnstest"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// zones are what the name servers of two networks say; one address is two things.
var zones = map[string]dnstest.Zone{
	"127.0.0.1": {
		"api.example.com":  {Alias: "edge.example.net"},
		"edge.example.net": dnstest.At("198.51.100.7"),
		"many.example.com": dnstest.At("198.51.100.8", "198.51.100.9"),
		"six.example.com":  dnstest.At("2001:db8::7"),
		"libc.example.com": dnstest.At("198.51.100.10"),
		"down.example.com": dnstest.At("198.51.100.11"),
	},
	"::1": {"other.example.org": dnstest.At("198.51.100.7")},
}

// resolve is a role: it moves into a network whose names come from the server, and where the addresses of the zones are reached by way of another
// address, as those outside are. Arguments: resolver (go, cgo), nameserver, URLs.
func resolve(args []string) {
	n := hosttest.Network{Nameserver: args[1], Setup: []string{
		"iptables -t nat -A OUTPUT -p tcp -d 198.51.100.0/24 --dport 80 -j REDIRECT --to-ports 8080",
		"ip6tables -t nat -A OUTPUT -p tcp -d 2001:db8::/64 --dport 80 -j REDIRECT --to-ports 8080",
		"ip -6 addr add 2001:db8::7/128 dev lo nodad",
	}}
	for i := 7; i <= 11; i++ {
		n.Setup = append(n.Setup, fmt.Sprintf("ip addr add 198.51.100.%d/32 dev lo", i))
	}
	_ = os.Setenv("GODEBUG", "netdns="+args[0])
	panic(n.Enter("reach", args[1:]...))
}

// reach is what it does there: it answers questions and requests, and calls each URL once. Then it holds its connections until it is told to end.
func reach(args []string) {
	names, err := net.ListenPacket("udp", net.JoinHostPort(args[0], "53"))
	if err != nil {
		panic(err)
	}
	go func() { panic(zones[args[0]].Serve(names)) }()
	server, err := net.Listen("tcp", ":8080")
	if err != nil {
		panic(err)
	}
	go func() { panic(http.Serve(server, http.NotFoundHandler())) }()
	for _, url := range args[1:] {
		if name, asks := lookedUpBefore[url]; asks {
			if out, err := exec.CommandContext(context.Background(), "getent", "ahosts", name).CombinedOutput(); err != nil {
				panic(fmt.Sprintf("getent: %v: %s", err, out))
			}
		}
		if resp, err := http.Get(url); err == nil { //nolint:noctx // a role
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}
	hosttest.Ready()
	hosttest.Wait()
}

// lookedUpBefore are URLs without a name, before which another process looks one up.
var lookedUpBefore = map[string]string{"http://198.51.100.10/items/5": "libc.example.com"}

func TestOutsidePeersAreCalledByTheNameAskedFor(t *testing.T) {
	hosttest.NeedNetwork(t)
	a, got := start(t, Config{})
	needKernel(t, a)
	child(t, "van", "resolve", "go", "127.0.0.1", "http://api.example.com/items/1", "http://many.example.com/items/2", "http://six.example.com/items/3",
		"http://down.example.com:81/", "http://198.51.100.10/items/5", "http://nowhere.example.com/")
	child(t, "cart", "resolve", "cgo", "::1", "http://other.example.org/items/6")
	for _, c := range []struct{ service, asked, address, name string }{
		{"van", "api.example.com", "198.51.100.7", "GET {other}"},
		{"van", "many.example.com", "198.51.100.8", "GET {other}"},
		{"van", "six.example.com", "2001:db8::7", "GET {other}"},
		{"van", "down.example.com", "198.51.100.11", "CONNECT 198.51.100.11:81"},
		{"van", "libc.example.com", "198.51.100.10", "GET {other}"},
		{"cart", "other.example.org", "198.51.100.7", "GET {other}"},
	} {
		until(t, c.service+"'s call of "+c.asked, func() bool {
			return got.count(func(s seenSpan) bool {
				return s.service == c.service && s.asked == c.asked && s.address == c.address && s.name == c.name && s.kind == ptrace.SpanKindClient && s.peer == ""
			}) == 1
		})
	}
	until(t, "the servers' ends below the clients', though between them the address is translated", func() bool {
		return got.below(func(s seenSpan) bool { return s.name == "GET {other}" }) == 5
	})
	for _, kind := range []string{"A", "AAAA"} { // the C library asks for both with one call
		until(t, "cart's lookup of "+kind, func() bool {
			return got.count(func(s seenSpan) bool {
				return s.service == "cart" && s.question == "other.example.org" && s.name == "DNS "+kind && s.kind == ptrace.SpanKindClient && !s.failed
			}) == 1
		})
	}
	until(t, "its connections", func() bool {
		return got.points("van "+telemetry.TCPConnections+" api.example.com") > 0 && got.points("cart "+telemetry.TCPConnections+" other.example.org") > 0
	})
	until(t, "the failed lookup", func() bool { return got.points("van "+telemetry.DNSFailures) > 0 })
	if n := got.count(func(s seenSpan) bool { return s.kind == ptrace.SpanKindServer && s.asked != "" }); n != 0 {
		t.Errorf("%d spans of servers have a name of their client", n)
	}
}
