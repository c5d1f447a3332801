package dns_test

import (
	"encoding/binary"
	"encoding/json"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/dns"
	"github.com/midwatch/midwatch/collector/protocol/dns/dnstest"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

var zone = dnstest.Zone{
	"api.example.com":    {Alias: "edge.example.net"},
	"edge.example.net":   {Alias: "pop7.example.net"},
	"pop7.example.net":   dnstest.At("198.51.100.7", "2001:db8::7", "198.51.100.8"),
	"broken.example.com": {},
	"loop.example.com":   {Alias: "gone.example.com"},
}

func question(t testing.TB, name string, kind dnsmessage.Type) []byte {
	t.Helper()
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}},
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func answer(t testing.TB, name string, kind dnsmessage.Type) []byte {
	t.Helper()
	b, err := zone.Answer(question(t, name, kind))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheNameIsTheOneAskedFor(t *testing.T) {
	four := dns.Answer{Name: "api.example.com", Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("198.51.100.8")}, TTL: time.Minute}
	for _, c := range []struct {
		what, name string
		kind       dnsmessage.Type
		want       dns.Answer
		ok         bool
	}{
		{"addresses at the end of a chain", "api.example.com.", dnsmessage.TypeA, four, true},
		{"asked in mixed case, as some resolvers do", "aPi.exAmple.COM.", dnsmessage.TypeA, four, true},
		{"IPv6", "api.example.com.", dnsmessage.TypeAAAA, dns.Answer{Name: "api.example.com", Addresses: []netip.Addr{netip.MustParseAddr("2001:db8::7")}, TTL: time.Minute}, true},
		{"no such name", "api.example.org.", dnsmessage.TypeA, dns.Answer{Name: "api.example.org", Failure: "nxdomain"}, true},
		{"an alias of none", "loop.example.com.", dnsmessage.TypeA, dns.Answer{Name: "loop.example.com", Failure: "nxdomain"}, true},
		{"a server in trouble", "broken.example.com.", dnsmessage.TypeA, dns.Answer{Name: "broken.example.com", Failure: "servfail"}, true},
		{"another type", "api.example.com.", dnsmessage.TypeTXT, dns.Answer{}, false},
		{"no host's name", "ignore all\nbefore.example.com.", dnsmessage.TypeA, dns.Answer{}, false},
		{"the root", ".", dnsmessage.TypeA, dns.Answer{}, false},
	} {
		got, ok := dns.Parse(answer(t, c.name, c.kind))
		if diff := cmp.Diff(c.want, got, cmpopts.EquateComparable(netip.Addr{})); ok != c.ok || diff != "" {
			t.Errorf("%s: %t (-want +got):\n%s", c.what, ok, diff)
		}
	}
	if _, ok := dns.Parse(question(t, "api.example.com.", dnsmessage.TypeA)); ok {
		t.Error("a question is taken for an answer")
	}
}

// TestOnlyTheChainCounts has records of names that nobody asked for, and aliases after what they lead to.
func TestOnlyTheChainCounts(t *testing.T) {
	name := dnsmessage.MustNewName
	record := func(owner string, body dnsmessage.ResourceBody) dnsmessage.Resource {
		return dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: name(owner), Class: dnsmessage.ClassINET, TTL: 5}, Body: body}
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{Response: true},
		Questions: []dnsmessage.Question{{Name: name("a.example."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
		Answers: []dnsmessage.Resource{
			record("bank.example.", &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}}),
			record("c.example.", &dnsmessage.AResource{A: [4]byte{192, 0, 2, 2}}),
			record("b.example.", &dnsmessage.CNAMEResource{CNAME: name("c.example.")}),
			record("a.example.", &dnsmessage.CNAMEResource{CNAME: name("B.example.")}),
		},
	}
	whole, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	got, ok := dns.Parse(whole)
	if want := netip.MustParseAddr("192.0.2.2"); !ok || len(got.Addresses) != 1 || got.Addresses[0] != want {
		t.Errorf("%+v, %t; want %s alone", got, ok, want)
	}
	for n := range whole { // cut short, as of a message larger than what is kept
		if got, _ := dns.Parse(whole[:n]); len(got.Addresses) > 0 {
			t.Errorf("%d of %d bytes: %+v, though the chain is not whole", n, len(whole), got)
		}
	}
	m.Answers = append(m.Answers[:2], record("a.example.", &dnsmessage.CNAMEResource{CNAME: name("a.example.")}))
	circle, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := dns.Parse(circle); !ok || len(got.Addresses) > 0 {
		t.Errorf("a name that is its own alias: %+v, %t", got, ok)
	}
}

// TestCaptures compares with what another parser says of recorded answers.
func TestCaptures(t *testing.T) {
	files := protocoltest.Archive(t, "dns")
	compared := 0
	for name, pcap := range files {
		result, ok := files[strings.TrimSuffix(name, ".pcap")+".result"]
		if !strings.HasSuffix(name, ".pcap") || !ok {
			continue
		}
		var got []dns.Answer
		for _, d := range append(protocoltest.Datagrams(t, pcap), overTCP(t, pcap)...) {
			if a, ok := dns.Parse(d); ok {
				a.TTL = 0
				got = append(got, a)
			}
		}
		if len(got) == 0 {
			continue // not of addresses
		}
		want := readResult(t, result)
		compared += len(want)
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("%s (-theirs +ours):\n%s", name, diff)
		}
	}
	if compared < 8 {
		t.Errorf("%d answers compared", compared)
	}
}

// overTCP are the answers of a capture's connections: each follows its length.
func overTCP(t *testing.T, pcap []byte) (all [][]byte) {
	t.Helper()
	asks := func(b []byte) bool { return len(b) > 4 && b[4]&0x80 == 0 }
	for _, c := range protocoltest.Conversations(t, pcap, asks) {
		var answers []byte
		for _, s := range c {
			if s.Direction == protocol.Response {
				answers = append(answers, s.Head...)
			}
		}
		for len(answers) > 2 {
			n := min(2+int(binary.BigEndian.Uint16(answers)), len(answers))
			all = append(all, answers[2:n])
			answers = answers[n:]
		}
	}
	return all
}

func readResult(t *testing.T, b []byte) (all []dns.Answer) {
	t.Helper()
	address := regexp.MustCompile(`\bA{1,4}=(\S+)`)
	for line := range strings.Lines(string(b)) {
		var r struct {
			Type   string `json:"request_type"`
			Name   string `json:"request_resource"`
			Result string `json:"response_result"`
			Code   int    `json:"response_code"`
			Kind   string `json:"msg_type"`
		}
		if err := json.NewDecoder(strings.NewReader(line)).Decode(&r); err != nil {
			t.Fatal(err)
		}
		if r.Kind != "Response" || r.Type != "A" && r.Type != "AAAA" {
			continue
		}
		a := dns.Answer{Name: r.Name, Failure: map[int]string{2: "servfail", 3: "nxdomain", 5: "refused"}[r.Code]}
		if a.Failure == "" {
			for _, m := range address.FindAllStringSubmatch(r.Result, -1) {
				a.Addresses = append(a.Addresses, netip.MustParseAddr(m[1]))
			}
		}
		all = append(all, a)
	}
	return all
}

func BenchmarkParse(b *testing.B) {
	message := answer(b, "api.example.com.", dnsmessage.TypeA)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := dns.Parse(message); !ok {
			b.Fatal("not read")
		}
	}
}
