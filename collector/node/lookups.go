package node

import (
	"net/netip"
	"time"

	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/conversation"
	"github.com/midwatch/midwatch/collector/protocol/dns"
)

const (
	// dnsPort is where name servers are. Elsewhere it is known of what is answered only that it was DNS: multicast and NetBIOS ask alike, and want no answer.
	dnsPort = 53
	// sweepEvery is how often questions are looked for that nobody answered.
	sweepEvery = time.Second
)

// lookups follows what processes ask name servers over UDP, and what name servers here answer. Strangers may ask those, so each has its own memory. It belongs to the probe's goroutine.
type lookups struct {
	asked  *dns.Datagrams[uint64, conversation.Peer] // :: socket
	served *dns.Datagrams[served, conversation.Peer]
	tell   func(conversation.Peer, protocol.Call)
	swept  time.Time
}

// served is who asks through which socket of a name server.
type served struct {
	sock   uint64
	client netip.AddrPort
}

func newLookups(tell func(conversation.Peer, protocol.Call)) *lookups {
	return &lookups{asked: dns.NewDatagrams[uint64, conversation.Peer](), served: dns.NewDatagrams[served, conversation.Peer](), tell: tell}
}

// datagram takes a question or an answer.
func (l *lookups) datagram(c *probe.Chunk) {
	l.sweep(c.Time)
	peer := conversation.Peer{TGID: c.TGID, TID: c.TID, Cgroup: c.Cgroup, Endpoints: c.Endpoints, Role: c.Role}
	if c.Role == probe.RoleServer {
		follow(l, l.served, served{c.Sock, c.Remote}, peer, c)
		return
	}
	follow(l, l.asked, c.Sock, peer, c)
}

// follow pairs a datagram with others of the same ends. A socket has no address of its own before it asks, and may learn only from the answer who gave it.
func follow[E comparable](l *lookups, d *dns.Datagrams[E, conversation.Peer], ends E, peer conversation.Peer, c *probe.Chunk) {
	if !dns.IsAnswer(c.Data) {
		d.Ask(ends, peer, c.Time, c.Data)
		return
	}
	asker, call, ok := d.Answer(ends, c.Time, c.Data)
	if !ok {
		return
	}
	if asker.Remote.Port() == 0 || peer.Remote.Port() != 0 && peer.Role == probe.RoleClient {
		asker.Endpoints = peer.Endpoints
	}
	l.tell(asker, call)
}

// sweep tells of what nobody answered.
func (l *lookups) sweep(now time.Time) {
	if now.Sub(l.swept) < sweepEvery {
		return
	}
	l.swept = now
	for peer, call := range l.asked.Unanswered(now) {
		if peer.Remote.Port() == dnsPort {
			l.tell(peer, call)
		}
	}
}
