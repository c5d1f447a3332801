package node

import (
	"context"
	"net"
	"strconv"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/midwatch/midwatch/collector/host/hosttest"
	"github.com/midwatch/midwatch/collector/protocol/dns/dnstest"
)

// Name servers of the test: one answers, one never does.
const (
	answering = "127.0.0.77:53"
	silent    = "127.0.0.78:53"
)

// lookUp is a role: it serves names and looks them up, each so many times, and asks once where nobody answers.
func lookUp(args []string) {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		panic(err)
	}
	server, err := net.ListenPacket("udp", answering)
	if err != nil {
		panic(err)
	}
	zone := dnstest.Zone{"known.example.com": dnstest.At("198.51.100.7"), "broken.example.com": {}}
	go func() { panic(zone.Serve(server)) }()
	deaf, err := net.ListenPacket("udp", silent)
	if err != nil {
		panic(err)
	}
	defer func() { _ = deaf.Close() }()
	ctx := context.Background()
	for range n {
		for _, name := range []string{"known.example.com", "missing.example.com", "broken.example.com"} {
			if err := ask(ctx, answering, name, true); err != nil {
				panic(err)
			}
		}
	}
	if err := ask(ctx, silent, "known.example.com", false); err != nil {
		panic(err)
	}
	hosttest.Ready()
	hosttest.Wait()
}

// ask asks for the address of a name, through a socket of its own.
func ask(ctx context.Context, server, name string, wait bool) error {
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: uint16(time.Now().UnixNano()), RecursionDesired: true}, //nolint:gosec // any will do
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name + "."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
	}
	b, err := m.Pack()
	if err != nil {
		return err
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "udp", server)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write(b); err != nil || !wait {
		return err
	}
	_, err = c.Read(make([]byte, 512))
	return err
}

// TestLookupsAreSpans: each question and its answer is one span at either end.
func TestLookupsAreSpans(t *testing.T) {
	a, got := start(t, Config{})
	needKernel(t, a)
	const n = 50
	child(t, "van", "lookUp", strconv.Itoa(n))
	of := func(kind ptrace.SpanKind, question, failure string) func() int {
		return func() int {
			return got.count(func(s seenSpan) bool {
				return s.service == "van" && s.name == "DNS A" && s.kind == kind && s.question == question && s.failed == (failure != "") && s.errorType == failure
			})
		}
	}
	for _, kind := range []ptrace.SpanKind{ptrace.SpanKindClient, ptrace.SpanKindServer} {
		for question, failure := range map[string]string{"known.example.com": "", "missing.example.com": "", "broken.example.com": "servfail"} {
			count := of(kind, question, failure)
			until(t, kind.String()+"s of "+question, func() bool { return count() >= n })
			if got := count(); got != n {
				t.Errorf("%d %ss of %s", got, kind, question)
			}
		}
	}
	until(t, "what nobody answers", func() bool { return of(ptrace.SpanKindClient, "known.example.com", "timeout")() == 1 })
	if n := got.count(func(s seenSpan) bool { return s.question != "" && s.transport != "udp" }); n != 0 {
		t.Errorf("%d lookups do not say that they went over UDP", n)
	}
}
