package node

import (
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/midwatch/midwatch/collector/host"
	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/collector/protocol/conversation"
)

// maxEnds bounds the connection ends remembered: twice the conversations that are followed at once.
const maxEnds = 16384

// end is one end of a connection. Loopback addresses mean something in their own network namespace only.
type end struct {
	ns uint32
	host.Connection
}

func endOf(e probe.Endpoints) end {
	k := end{Connection: host.Connection{Local: e.Local, Remote: e.Remote}}
	if e.Local.Addr().IsLoopback() {
		k.ns = e.NetNS
	}
	return k
}

// address is the nearer one of an end.
type address struct {
	ns uint32
	netip.AddrPort
}

func (k end) address() address { return address{k.ns, k.Local} }

// peers finds the process at the other end of a connection. What the probe saw at that end is the proof; sockets in /proc stand in
// for ends that said nothing yet.
type peers struct {
	table   *host.Table
	sockets *host.Sockets

	mu    sync.Mutex
	ends  *simplelru.LRU[end, uint32] // :: end → PID that used it last
	here  map[address]int             // :: address → how many of ends have it
	hits  *simplelru.LRU[target, hit] // :: process and port → its last connect that succeeded
	asked time.Time                   // when an unknown peer last had the sockets read
}

// target is a port as one process knows it, whatever address of the name it tries.
type target struct {
	pid  uint32
	port uint16
}

type hit struct {
	at   time.Time
	addr netip.Addr
}

// maxHits bounds the successful connects remembered; they matter for secondChance only.
const maxHits = 4096

// secondChance is how long after a failed connect the same process may reach the same port at another address for the failure not
// to count: names with several addresses (localhost is ::1 and 127.0.0.1) are tried one by one.
const secondChance = 300 * time.Millisecond

// reached remembers a connect that succeeded.
func (p *peers) reached(c probe.Connect) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hits.Add(target{c.TGID, c.Remote.Port()}, hit{c.Time, c.Remote.Addr()})
}

// superseded tells whether a connect that failed was made good at another address.
func (p *peers) superseded(c *probe.Connect) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	h, ok := p.hits.Peek(target{c.TGID, c.Remote.Port()})
	return ok && h.addr != c.Remote.Addr() && !h.at.Before(c.Start) && h.at.Sub(c.Time) < secondChance
}

func newPeers(t *host.Table, s *host.Sockets) *peers {
	p := &peers{table: t, sockets: s, here: map[address]int{}}
	p.ends, _ = simplelru.NewLRU(maxEnds, func(k end, _ uint32) { // fails only for a size of zero
		if p.here[k.address()]--; p.here[k.address()] == 0 {
			delete(p.here, k.address())
		}
	})
	p.hits, _ = simplelru.NewLRU[target, hit](maxHits, nil)
	return p
}

// saw remembers that a process used its end of a connection.
func (p *peers) saw(e probe.Endpoints, pid uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := endOf(e)
	known, ok := p.ends.Get(k)
	if !ok {
		p.here[k.address()]++
	}
	if !ok || known != pid {
		p.ends.Add(k, pid)
	}
}

// asks tells whether the end that asked is on this machine, and was seen to.
func (p *peers) asks(r conversation.Request) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.here[address{r.NetNS, r.Client}] > 0
}

// service returns the service at the other end, "" when it is not on this machine or not known.
func (p *peers) service(e probe.Endpoints, role probe.Role) string {
	k := endOf(e)
	k.Connection = k.Reversed()
	p.mu.Lock()
	pid, ok := p.ends.Get(k)
	p.mu.Unlock()
	if ok {
		if other := p.table.Get(int(pid)); other != nil {
			return other.Service
		}
	}
	if name := p.look(k, e, role); name != "" {
		return name
	}
	if !p.stale() {
		return ""
	}
	p.sockets.Refresh(time.Now())
	return p.look(k, e, role)
}

// look finds the other end among the sockets.
func (p *peers) look(k end, e probe.Endpoints, role probe.Role) string {
	if other := p.sockets.Owner(k.Connection); other != nil {
		return other.Service
	}
	if role == probe.RoleClient {
		return p.serving(uint64(e.NetNS), e.Remote)
	}
	return ""
}

// stale tells, at most once per hasteLimit, that the sockets may be read anew for the sake of one connection.
func (p *peers) stale() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Sub(p.asked) < hasteLimit {
		return false
	}
	p.asked = now
	return true
}

// hasteLimit bounds the reads of all sockets that unknown peers cause. On a machine whose peers are elsewhere it is all they cost.
const hasteLimit = 2 * time.Second

// serving is the service that listens at an address, or did lately.
func (p *peers) serving(ns uint64, at netip.AddrPort) string {
	name, _ := p.sockets.Serving(ns, at)
	return name
}
