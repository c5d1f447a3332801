package dns_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/midwatch/midwatch/collector/capture"
	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/dns"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

// said is what both parsers say of an answered question: "A example.com nxdomain".
func said(c protocol.Call) string {
	return strings.TrimSpace(c.Operation + " " + c.Resource + " " + c.Status)
}

// paired follows the datagrams of a capture.
type paired struct {
	*dns.Datagrams[dns.Flow, struct{}]
	answered func(dns.Flow, protocol.Call)
}

func (paired) Chunk(*probe.Chunk)  {}
func (paired) Closed(probe.Closed) {}
func (p paired) Datagram(from, to netip.AddrPort, at time.Time, b []byte) {
	flow := dns.FlowOf(from, to, b)
	p.Ask(flow, struct{}{}, at, b)
	if _, c, ok := p.Answer(flow, at, b); ok {
		p.answered(flow, c)
	}
}

func TestCalls(t *testing.T) {
	files := protocoltest.Archive(t, "dns")
	asked := 0
	for name, pcap := range files {
		result, ok := files[strings.TrimSuffix(name, ".pcap")+".result"]
		if !strings.HasSuffix(name, ".pcap") || !ok {
			continue
		}
		var over []string
		keep := func(_ dns.Flow, c protocol.Call) { over = append(over, said(c)) }
		if _, err := capture.Read(bytes.NewReader(pcap), paired{dns.NewDatagrams[dns.Flow, struct{}](), keep}); err != nil {
			t.Fatal(err)
		}
		got := map[string][]string{"as captured": slices.Clone(over)}
		for _, c := range protocoltest.Conversations(t, pcap, dns.Recognize) {
			for cut, segments := range c.Recut() {
				if got[cut] == nil {
					got[cut] = slices.Clone(over)
				}
				segments.Feed(dns.New(func(c protocol.Call) { got[cut] = append(got[cut], said(c)) }))
			}
		}
		want := theirCalls(t, result)
		asked += len(want)
		for cut, got := range got {
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s; calls (-theirs +ours):\n%s", name, cut, diff)
			}
		}
	}
	if asked < 10 {
		t.Errorf("%d questions", asked)
	}
}

func theirCalls(t *testing.T, result []byte) (all []string) {
	codes := map[int]string{0: "", 2: " servfail", 3: " nxdomain"}
	for line := range strings.Lines(string(result)) {
		text, _, _ := strings.Cut(line, " headers_offset")
		var m struct {
			Type     string `json:"request_type"`
			Resource string `json:"request_resource"`
			Code     int    `json:"response_code"`
			Message  string `json:"msg_type"`
		}
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		if m.Message == "Response" {
			all = append(all, fmt.Sprintf("%s %s%s", m.Type, strings.ToLower(m.Resource), codes[m.Code]))
		}
	}
	slices.Sort(all)
	return all
}

func over(t testing.TB, messages ...[]byte) (b []byte) {
	t.Helper()
	for _, m := range messages {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(m))), m...)
	}
	return b
}

func TestParser(t *testing.T) {
	api, broken := "api.example.com.", "broken.example.com."
	a, aaaa := dnsmessage.TypeA, dnsmessage.TypeAAAA
	both := over(t, question(t, api, a), question(t, api, aaaa))
	for name, c := range map[string]struct {
		segments protocoltest.Conversation
		want     []string
	}{
		"answered in another order": {
			protocoltest.Conversation{request(both), response(over(t, answer(t, api, aaaa), answer(t, api, a)))},
			[]string{"AAAA api.example.com", "A api.example.com"},
		},
		"a server in trouble": {
			protocoltest.Conversation{request(over(t, question(t, broken, a))), response(over(t, answer(t, broken, a)))},
			[]string{"A broken.example.com servfail: the name server answered servfail"},
		},
		"never answered": {
			protocoltest.Conversation{request(both), response(over(t, answer(t, api, a)))},
			[]string{"A api.example.com", "AAAA api.example.com: the connection was closed before the answer was complete"},
		},
		"another's answer": {
			protocoltest.Conversation{request(over(t, question(t, api, a))), response(over(t, answer(t, broken, a), answer(t, api, a)))},
			[]string{"A api.example.com"},
		},
		"no question": {protocoltest.Conversation{request(over(t, answer(t, api, a)))}, nil},
	} {
		for cut, segments := range c.segments.Recut() {
			var got []string
			segments.Feed(dns.New(func(c protocol.Call) {
				text := said(c)
				if c.Failed {
					text += ": " + c.Error
				}
				got = append(got, text)
			}))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", name, cut, diff)
			}
		}
	}
}

func request(b []byte) protocol.Segment {
	return protocol.Segment{Direction: protocol.Request, At: time.Unix(1, 0), Size: int64(len(b)), Head: b}
}

func response(b []byte) protocol.Segment {
	return protocol.Segment{Direction: protocol.Response, At: time.Unix(2, 0), Size: int64(len(b)), Head: b}
}

// TestDatagrams: who asks again has asked once; who is answered late had given up; nobody else's answer counts.
func TestDatagrams(t *testing.T) {
	ours, server, other := netip.MustParseAddrPort("10.0.0.1:4000"), netip.MustParseAddrPort("10.0.0.2:53"), netip.MustParseAddrPort("10.0.0.3:53")
	api := "api.example.com."
	asks, tells := question(t, api, dnsmessage.TypeA), answer(t, api, dnsmessage.TypeA)
	var got []string
	line := func(client netip.AddrPort, c protocol.Call) {
		got = append(got, fmt.Sprintf("%s %s %s %s", client, said(c), c.Duration, c.ErrorType))
	}
	d := dns.NewDatagrams[dns.Flow, netip.AddrPort]()
	for _, s := range []struct {
		from, to netip.AddrPort
		second   int64
		message  []byte
	}{
		{server, ours, 0, tells},
		{ours, server, 1, asks},
		{ours, server, 2, asks},
		{other, ours, 3, tells},
		{server, ours, 3, answer(t, "broken.example.com.", dnsmessage.TypeA)},
		{server, ours, 4, tells},
		{server, ours, 5, tells},
		{ours, server, 10, asks},
		{ours, other, 12, asks},
		{other, ours, 13, tells},
		{server, ours, 50, tells},
		{ours, server, 60, []byte("no message")},
	} {
		at, flow := time.Unix(s.second, 0), dns.FlowOf(s.from, s.to, s.message)
		for client, c := range d.Unanswered(at) {
			line(client, c)
		}
		d.Ask(flow, s.from, at, s.message)
		if client, c, ok := d.Answer(flow, at, s.message); ok {
			line(client, c)
		}
	}
	want := []string{"10.0.0.1:4000 A api.example.com 3s ", "10.0.0.1:4000 A api.example.com 1s ", "10.0.0.1:4000 A api.example.com 5s timeout"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzParser(f *testing.F) {
	api := "api.example.com."
	f.Add(over(f, question(f, api, dnsmessage.TypeA), question(f, api, dnsmessage.TypeAAAA)), over(f, answer(f, api, dnsmessage.TypeAAAA), answer(f, api, dnsmessage.TypeA)), uint8(20), uint16(0))
	f.Add(over(f, question(f, api, dnsmessage.TypeA)), over(f, answer(f, api, dnsmessage.TypeA)), uint8(63), uint16(3))
	f.Fuzz(func(t *testing.T, request, answer []byte, cut uint8, hole uint16) {
		protocoltest.Fuzz(t, request, answer, cut, hole, func(emit func(protocol.Call)) protocol.Parser { return dns.New(emit) })
	})
}
