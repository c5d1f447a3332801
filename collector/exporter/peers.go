package exporter

import (
	"net/netip"
	"sync"
	"time"
)

const (
	maxPeers = 1 << 16          // listening endpoints remembered
	peerLife = 10 * time.Minute // since a service was last seen to answer there
)

// endpoint is where a service listens. A loopback address means something on its host alone.
type endpoint struct {
	host    string // only with a loopback address
	address string
	port    string
}

func newEndpoint(host, address, port string) (endpoint, bool) {
	if address == "" || port == "" {
		return endpoint{}, false
	}
	e := endpoint{address: address, port: port}
	if ip, err := netip.ParseAddr(address); err == nil {
		e.address = ip.Unmap().String()
		if ip.Unmap().IsLoopback() {
			e.host = host
		}
	}
	return e, true
}

// peers knows which service answers at an endpoint, learned from the spans of servers. Safe for concurrent use.
type peers struct {
	now func() time.Time

	mu    sync.Mutex
	known map[endpoint]peer
}

type peer struct {
	service string
	seen    time.Time
}

func newPeers(now func() time.Time) *peers { return &peers{now: now, known: map[endpoint]peer{}} }

func (p *peers) learn(e endpoint, service string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.known[e]; !ok && len(p.known) >= maxPeers {
		p.forget()
		if len(p.known) >= maxPeers {
			return
		}
	}
	p.known[e] = peer{service, p.now()}
}

func (p *peers) forget() {
	for e, x := range p.known {
		if p.now().Sub(x.seen) > peerLife {
			delete(p.known, e)
		}
	}
}

// service returns who answers at e, or "" when nobody was seen to lately. Known tells that somebody ever was, as far as is remembered.
func (p *peers) service(e endpoint) (name string, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	x, known := p.known[e]
	if !known || p.now().Sub(x.seen) > peerLife {
		return "", known
	}
	return x.service, true
}
