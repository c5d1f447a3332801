package node

import (
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/midwatch/midwatch/collector/host"
	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/collector/protocol/conversation"
	"github.com/midwatch/midwatch/collector/protocol/dns"
)

// maxAsked bounds the connections whose name is remembered: as many as ends.
const maxAsked = maxEnds

// outside knows the name under which a process asked for the address it called. A connection keeps the name it was opened under: many names share
// an address. It belongs to the probe's goroutine.
type outside struct {
	names *host.Names
	meter *host.Meter
	asked *simplelru.LRU[uint64, string] // :: probe's id of a connection → its name
}

func newOutside(names *host.Names, meter *host.Meter) *outside {
	asked, _ := simplelru.NewLRU[uint64, string](maxAsked, nil) // fails only for a size of zero
	return &outside{names: names, meter: meter, asked: asked}
}

// answered learns from an answer of DNS, and counts one without an address.
func (o *outside) answered(c *probe.Chunk) {
	a, ok := dns.Parse(c.Data)
	if !ok {
		return
	}
	if a.Failure != "" {
		o.meter.CountLookup(int(c.TGID), a.Failure)
		return
	}
	o.names.Learn(host.Naming{NetNS: uint64(c.NetNS), PID: int(c.TGID), Name: a.Name, Addresses: a.Addresses, At: c.Time, TTL: a.TTL})
}

// connected remembers under which name a connection was opened, and returns it.
func (o *outside) connected(c *probe.Connect) string {
	name := o.names.Of(uint64(c.NetNS), int(c.TGID), c.Remote.Addr(), c.Start)
	if name != "" && c.OK {
		o.asked.Add(c.Sock, name)
	}
	return name
}

// of returns the name behind a call, "" of those that others made here.
func (o *outside) of(p conversation.Peer, start time.Time) string {
	if p.Role != probe.RoleClient {
		return ""
	}
	if name, ok := o.asked.Get(probe.Opened(p.Sock)); ok {
		return name
	}
	return o.names.Of(uint64(p.NetNS), int(p.TGID), p.Remote.Addr(), start)
}

func (o *outside) closed(sock uint64) { o.asked.Remove(probe.Opened(sock)) }
