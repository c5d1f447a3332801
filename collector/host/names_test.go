package host

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestNamesOfAddresses(t *testing.T) {
	begun := time.Date(2026, 3, 1, 3, 12, 0, 0, time.UTC)
	after := func(d time.Duration) time.Time { return begun.Add(d) }
	shared, single, six := netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("198.51.100.8"), netip.MustParseAddr("2001:db8::7")
	n := NewNames(NewSockets(newTable(t)))
	learn := func(ns uint64, pid int, name string, at time.Duration, ttl time.Duration, addresses ...netip.Addr) {
		n.Learn(Naming{NetNS: ns, PID: pid, Name: name, Addresses: addresses, At: after(at), TTL: ttl})
	}
	learn(1, 10, "api.example.com", 0, time.Minute, shared, single, six)
	learn(1, 11, "cdn.example.com", 10*time.Second, time.Minute, shared)
	learn(2, 20, "other.example.org", 20*time.Second, time.Minute, shared)
	learn(1, 10, "slow.example.com", 0, 100*time.Hour, netip.MustParseAddr("198.51.100.9"))
	learn(1, 10, "self.example.com", 0, time.Minute, netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("fe80::1"), netip.MustParseAddr("0.0.0.0"))
	for _, c := range []struct {
		what string
		ns   uint64
		pid  int
		addr string
		at   time.Duration
		want string
	}{
		{"before anyone asked", 1, 10, "198.51.100.7", -time.Second, ""},
		{"one of several addresses", 1, 10, "198.51.100.8", time.Second, "api.example.com"},
		{"IPv6", 1, 10, "2001:db8::7", time.Second, "api.example.com"},
		{"IPv4 in IPv6", 1, 10, "::ffff:198.51.100.8", time.Second, "api.example.com"},
		{"two names of one address: what this process asked for", 1, 10, "198.51.100.7", time.Minute, "api.example.com"},
		{"two names of one address: what that process asked for", 1, 11, "198.51.100.7", time.Minute, "cdn.example.com"},
		{"asked for by another process: the newest", 1, 12, "198.51.100.7", time.Minute, "cdn.example.com"},
		{"the newest before the moment", 1, 12, "198.51.100.7", 5 * time.Second, "api.example.com"},
		{"another network namespace", 2, 20, "198.51.100.7", time.Minute, "other.example.org"},
		{"another network namespace, before its own answer: what the machine knew", 2, 20, "198.51.100.7", 15 * time.Second, "cdn.example.com"},
		{"a network namespace that asked nothing", 3, 30, "198.51.100.8", time.Minute, "api.example.com"},
		{"loopback", 1, 10, "127.0.0.1", time.Second, ""},
		{"an address of the link", 1, 10, "fe80::1", time.Second, ""},
		{"past its TTL", 1, 10, "2001:db8::7", 59 * time.Minute, "api.example.com"},
		{"in use since", 1, 10, "2001:db8::7", 118 * time.Minute, "api.example.com"},
		{"out of use", 1, 10, "2001:db8::7", 4 * time.Hour, ""},
		{"a long TTL", 1, 10, "198.51.100.9", 23 * time.Hour, "slow.example.com"},
	} {
		if got := n.Of(c.ns, c.pid, netip.MustParseAddr(c.addr), after(c.at)); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
	if got := n.Of(1, 10, netip.MustParseAddr("198.51.100.9"), after(72*time.Hour)); got != "" {
		t.Errorf("a long TTL that is over: %q", got)
	}
}

func TestNamesAreBounded(t *testing.T) {
	n := NewNames(NewSockets(newTable(t)))
	now := time.Now()
	address := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
	for i := range 3 * maxNamed {
		n.Learn(Naming{NetNS: 1, PID: i, Name: fmt.Sprintf("h%d.example.com", i), Addresses: []netip.Addr{address(i), address(-1)}, At: now})
	}
	if n.known.Len() > maxNamed || n.machine.Len() > maxNamed {
		t.Errorf("%d and %d addresses are remembered, want at most %d", n.known.Len(), n.machine.Len(), maxNamed)
	}
	if got := n.Of(1, 0, address(0), now); got != "" {
		t.Errorf("the one idle longest is still %q", got)
	}
	last := fmt.Sprintf("h%d.example.com", 3*maxNamed-1)
	if got := n.Of(1, 0, address(-1), now); got != last {
		t.Errorf("an address of many names is %q, want the newest, %q", got, last)
	}
	if known, _ := n.known.Peek(place{1, address(-1)}); len(known) > maxNamings {
		t.Errorf("%d names of one address", len(known))
	}
}

// TestAskingAgainForgetsNobody has one process that asks for two names of an address in turns, after another that asked once.
func TestAskingAgainForgetsNobody(t *testing.T) {
	n := NewNames(NewSockets(newTable(t)))
	addr, now := netip.MustParseAddr("198.51.100.7"), time.Now()
	learn := func(pid int, name string) {
		n.Learn(Naming{NetNS: 1, PID: pid, Name: name, Addresses: []netip.Addr{addr}, At: now})
		now = now.Add(time.Second)
	}
	learn(10, "api.example.com")
	for range maxNamings {
		learn(11, "cdn.example.com")
		learn(11, "img.example.com")
	}
	if got := n.Of(1, 10, addr, now); got != "api.example.com" {
		t.Errorf("what the first asked for is %q", got)
	}
	if got := n.Of(1, 11, addr, now); got != "img.example.com" {
		t.Errorf("what the second asked for last is %q", got)
	}
	if got := n.Of(1, 11, addr, now.Add(-2*time.Second)); got != "cdn.example.com" {
		t.Errorf("what the second had asked for before that is %q", got)
	}
}

func TestAddressesOfThisMachineHaveNoOutsideName(t *testing.T) {
	s := NewSockets(newTable(t))
	s.ours = map[netip.Addr]bool{netip.MustParseAddr("198.51.100.7"): true}
	n := NewNames(s)
	n.Learn(Naming{Name: "here.example.com", Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.7")}, At: time.Now()})
	if got := n.Of(0, 0, netip.MustParseAddr("198.51.100.7"), time.Now()); got != "" {
		t.Errorf("it is called %q", got)
	}
}

func BenchmarkNames(b *testing.B) {
	n := NewNames(&Sockets{})
	now := time.Now()
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		at := netip.AddrFrom4([4]byte{10, byte(i >> 14), byte(i >> 7), byte(i)})
		n.Learn(Naming{NetNS: 1, PID: 1, Name: "api.example.com", Addresses: []netip.Addr{at}, At: now})
		_ = n.Of(1, 1, at, now)
	}
}
