package dns

import (
	"net/netip"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/midwatch/midwatch/collector/protocol"
)

const (
	maxAsked = 4096             // questions that wait for answers; past it the oldest is forgotten
	patience = 30 * time.Second // after which clients have given up
)

// Datagrams pairs questions and answers that go over UDP. It is used by one goroutine.
type Datagrams struct {
	emit  func(client, server netip.AddrPort, c protocol.Call)
	asked *simplelru.LRU[sent, protocol.Call]
}

// sent is a question, and who asks whom.
type sent struct {
	question
	client, server netip.AddrPort
}

// NewDatagrams hands each answered question to emit.
func NewDatagrams(emit func(client, server netip.AddrPort, c protocol.Call)) *Datagrams {
	asked, err := simplelru.NewLRU[sent, protocol.Call](maxAsked, nil)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &Datagrams{emit: emit, asked: asked}
}

// Datagram takes one. It keeps nothing of b. What is neither a question nor its answer is passed over; a question that is sent again is the same.
func (d *Datagrams) Datagram(from, to netip.AddrPort, at time.Time, b []byte) {
	q, h, ok := asked(b)
	if !ok {
		return
	}
	if !h.Response {
		k := sent{q, from, to}
		if c, ok := d.asked.Peek(k); !ok || at.Sub(c.Start) > patience {
			d.asked.Add(k, q.call(int64(len(b)), at))
		}
		return
	}
	k := sent{q, to, from}
	c, ok := d.asked.Peek(k)
	if !ok {
		return
	}
	d.asked.Remove(k)
	if at.Sub(c.Start) > patience {
		return
	}
	c.Answered(at, at)
	answered(&c, h, int64(len(b)))
	d.emit(k.client, k.server, c)
}
