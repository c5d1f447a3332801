package protocoltest

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/midwatch/midwatch/collector/capture"
	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/collector/protocol"
)

// Conversation is the segments of one TCP connection, in the order they were captured.
type Conversation []protocol.Segment

// Conversations reads a capture. The client is who sent the SYN, else who sent a segment that asks says is a request, else who spoke
// first. Retransmitted bytes are dropped, bytes that were not captured become holes.
func Conversations(t testing.TB, pcap []byte, asks func([]byte) bool) []Conversation {
	t.Helper()
	r := recorder{asks: asks, met: map[uint64]*met{}}
	if _, err := capture.Read(bytes.NewReader(pcap), &r); err != nil {
		t.Fatal(err)
	}
	var all []Conversation
	for _, m := range r.order {
		all = append(all, m.conversation())
	}
	return all
}

// recorder remembers what a capture has.
type recorder struct {
	asks  func([]byte) bool
	met   map[uint64]*met
	order []*met

	datagrams [][]byte
}

// met is a connection.
type met struct {
	Conversation
	certain, asked bool // its client is known; or was told by what it said
	reversed       bool // who was taken for the server is the client
}

func (r *recorder) Chunk(c *probe.Chunk) {
	m := r.met[c.Sock]
	if m == nil {
		m = &met{certain: c.Role == probe.RoleServer, reversed: c.Role != probe.RoleServer && c.Direction == probe.Send}
		r.met[c.Sock] = m
		r.order = append(r.order, m)
	}
	if !m.certain && !m.asked && r.asks(c.Data) {
		m.asked, m.reversed = true, c.Direction == probe.Send
	}
	d := protocol.Request
	if c.Direction == probe.Send {
		d = protocol.Response
	}
	m.Conversation = append(m.Conversation, protocol.Segment{Direction: d, At: c.Time, Size: int64(c.Size), Head: bytes.Clone(c.Data)})
}

// Closed implements capture.Follower: Feed closes every conversation.
func (r *recorder) Closed(probe.Closed) {}

func (m *met) conversation() Conversation {
	if m.reversed {
		for i, s := range m.Conversation {
			m.Conversation[i].Direction = protocol.Request + protocol.Response - s.Direction
		}
	}
	return m.Conversation
}

// Recut returns the conversation as captured, byte by byte, and with the segments of each turn in one.
func (c Conversation) Recut() map[string]Conversation {
	var single, joined Conversation
	for _, s := range c {
		bytewise := func(b []byte) {
			for i := range b {
				single = append(single, protocol.Segment{Direction: s.Direction, At: s.At, Size: 1, Head: b[i : i+1]})
			}
		}
		bytewise(s.Head)
		hole := s.Size - int64(len(s.Head)+len(s.Tail))
		if hole > 0 {
			single = append(single, protocol.Segment{Direction: s.Direction, At: s.At, Size: hole})
		}
		bytewise(s.Tail)
		if n := len(joined) - 1; n >= 0 && hole == 0 && len(s.Tail) == 0 && joined[n].Direction == s.Direction && joined[n].Size == int64(len(joined[n].Head)) {
			joined[n].Head = append(slices.Clone(joined[n].Head), s.Head...)
			joined[n].Size += s.Size
			continue
		}
		joined = append(joined, s)
	}
	return map[string]Conversation{"as captured": c, "byte by byte": single, "turn by turn": joined}
}

// Feed gives the conversation to a parser, as the tracker does, and closes it unless the parser gave up.
func (c Conversation) Feed(p protocol.Parser) {
	at := time.Time{}
	for _, s := range c {
		at = s.At
		if s.Direction == protocol.Response && p.Idle() {
			continue // the answer to a request from before the capture
		}
		if !s.Feed(p) {
			return
		}
	}
	p.Close(at)
}

// Datagrams are the payloads of a capture's UDP packets, in its order.
func Datagrams(t testing.TB, pcap []byte) [][]byte {
	t.Helper()
	r := recorder{asks: func([]byte) bool { return false }, met: map[uint64]*met{}}
	if _, err := capture.Read(bytes.NewReader(pcap), &r); err != nil {
		t.Fatal(err)
	}
	return r.datagrams
}

// Datagram implements capture.Follower.
func (r *recorder) Datagram(_, _ netip.AddrPort, _ time.Time, b []byte) {
	r.datagrams = append(r.datagrams, bytes.Clone(b))
}
