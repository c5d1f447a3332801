package node

import (
	"sync/atomic"
	"time"

	"github.com/midwatch/midwatch/collector/host"
	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/conversation"
	"github.com/midwatch/midwatch/collector/protocol/dns"
)

const (
	// maxCalls bounds the calls that wait to become spans: a second of them at 8,000 a second.
	maxCalls = 8192
	// maxEvents bounds the starts and ends that wait to be looked at.
	maxEvents = 4096
)

// call is a finished request, or a connect that failed, on its way to become a span.
type call struct {
	peer    conversation.Peer
	call    protocol.Call
	connect *probe.Connect // of a failed connect, which has no call
	name    string         // under which the client asked for the address it called, "" when not known
}

// kernel takes the probe's events. Its methods run on the probe's goroutine and must be quick: what costs is left to whoever
// reads its channels.
type kernel struct {
	conversations *conversation.Tracker
	peers         *peers
	outside       *outside
	lookups       *lookups
	meter         *host.Meter
	calls         chan call
	events        chan any // probe.Exec, probe.Exit, probe.OOMKill
	dropped       struct{ calls, events atomic.Uint64 }
}

var _ probe.Sink = (*kernel)(nil)

func newKernel(p *peers, o *outside, m *host.Meter, mute func(uint64)) (*kernel, error) {
	k := &kernel{peers: p, outside: o, meter: m, calls: make(chan call, maxCalls), events: make(chan any, maxEvents)}
	k.lookups = newLookups(func(p conversation.Peer, c protocol.Call) {
		if c.ErrorType == dns.Timeout {
			m.CountLookup(int(p.TGID), c.ErrorType)
		}
		k.queue(call{peer: p, call: c})
	})
	var err error
	k.conversations, err = conversation.New(conversation.Config{Mute: mute, OnCall: func(p conversation.Peer, c protocol.Call) {
		k.queue(call{peer: p, call: c, name: o.of(p, c.Start)})
	}})
	return k, err
}

// Chunk counts the bytes and follows the conversation.
func (k *kernel) Chunk(c *probe.Chunk) {
	if c.Direction == probe.Receive {
		k.meter.CountTraffic(int(c.TGID), uint64(c.Size), 0) //nolint:gosec // sizes are not negative
	} else {
		k.meter.CountTraffic(int(c.TGID), 0, uint64(c.Size)) //nolint:gosec // sizes are not negative
	}
	if c.Remote.IsValid() {
		k.peers.saw(c.Endpoints, c.TGID)
	}
	k.conversations.Chunk(c)
}

// Quiet looks for what nobody answered.
func (k *kernel) Quiet(now time.Time) { k.lookups.sweep(now) }

// Datagram is what DNS says.
func (k *kernel) Datagram(c *probe.Chunk) {
	if c.Direction == probe.Receive {
		k.outside.answered(c)
	}
	k.lookups.datagram(c)
}

// Closed ends a conversation.
func (k *kernel) Closed(c probe.Closed) {
	k.conversations.Closed(c)
	k.outside.closed(c.Sock)
}

// Connect remembers an attempt that succeeded and hands on one that failed.
func (k *kernel) Connect(c probe.Connect) {
	name := k.outside.connected(&c)
	if c.OK {
		k.peers.saw(c.Endpoints, c.TGID)
		k.peers.reached(c)
		return
	}
	k.queue(call{peer: conversation.Peer{TGID: c.TGID, Endpoints: c.Endpoints, Role: probe.RoleClient}, connect: &c, name: name})
}

// Exec, Exit and OOMKill are left to the goroutine that knows processes.
func (k *kernel) Exec(e probe.Exec) { k.tell(e) }

// Exit is the end of a process.
func (k *kernel) Exit(e probe.Exit) { k.tell(e) }

// OOMKill is a process chosen to die.
func (k *kernel) OOMKill(e probe.OOMKill) { k.tell(e) }

func (k *kernel) queue(c call) {
	select {
	case k.calls <- c:
	default:
		k.dropped.calls.Add(1)
	}
}

func (k *kernel) tell(event any) {
	select {
	case k.events <- event:
	default:
		k.dropped.events.Add(1)
	}
}
