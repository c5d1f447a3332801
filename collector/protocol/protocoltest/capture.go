package protocoltest

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/midwatch/midwatch/collector/protocol"
)

// Conversation is the segments of one TCP connection, in the order they were captured.
type Conversation []protocol.Segment

// Conversations reads a capture. The client is who sent the SYN, else who sent a segment that asks says is a request, else who spoke
// first. Retransmitted bytes are dropped, bytes that were not captured become holes.
func Conversations(t testing.TB, pcap []byte, asks func([]byte) bool) []Conversation {
	t.Helper()
	r, err := pcapgo.NewReader(bytes.NewReader(pcap))
	if err != nil {
		t.Fatal(err)
	}
	flows := map[[2]string]*flow{}
	var order []*flow
	for {
		data, info, err := r.ReadPacketData()
		if err != nil {
			break // the end, or a capture cut short: what came before still counts
		}
		p, ok := parse(gopacket.NewPacket(data, r.LinkType(), gopacket.Default), info.Timestamp)
		if !ok {
			continue
		}
		key := [2]string{min(p.from, p.to), max(p.from, p.to)}
		f := flows[key]
		if f == nil {
			f = &flow{}
			flows[key] = f
			order = append(order, f)
		}
		f.packets = append(f.packets, p)
	}
	var all []Conversation
	for _, f := range order {
		if c := f.conversation(asks); len(c) > 0 {
			all = append(all, c)
		}
	}
	return all
}

type packet struct {
	from, to string
	at       time.Time
	seq      uint32
	syn, ack bool
	data     []byte
	size     int // of the payload on the wire
}

type flow struct{ packets []packet }

func parse(p gopacket.Packet, at time.Time) (packet, bool) {
	tcp, ok := p.Layer(layers.LayerTypeTCP).(*layers.TCP)
	if !ok || p.NetworkLayer() == nil {
		return packet{}, false
	}
	src, dst := p.NetworkLayer().NetworkFlow().Endpoints()
	size := len(tcp.Payload)
	if ip, ok := p.NetworkLayer().(*layers.IPv4); ok {
		size = max(int(ip.Length)-int(ip.IHL)*4-int(tcp.DataOffset)*4, 0)
	}
	return packet{
		from: src.String() + ":" + tcp.SrcPort.String(),
		to:   dst.String() + ":" + tcp.DstPort.String(),
		at:   at, seq: tcp.Seq, syn: tcp.SYN, ack: tcp.ACK,
		data: tcp.Payload[:min(len(tcp.Payload), size)], // without Ethernet's padding
		size: size,
	}, true
}

func (f *flow) client(asks func([]byte) bool) string {
	for _, p := range f.packets {
		if p.syn {
			if p.ack {
				return p.to
			}
			return p.from
		}
	}
	for _, p := range f.packets {
		if asks(p.data) {
			return p.from
		}
	}
	return f.packets[0].from
}

func (f *flow) conversation(asks func([]byte) bool) Conversation {
	client := f.client(asks)
	next := map[string]uint32{}
	var c Conversation
	for i, p := range f.packets {
		if p.syn {
			next[p.from] = p.seq + 1
			continue
		}
		if p.size == 0 {
			continue
		}
		want, known := next[p.from]
		if !known {
			want = p.seq
		}
		skip := int(int32(want - p.seq)) // already seen of it
		if skip >= p.size {
			continue
		}
		d := protocol.Response
		if p.from == client {
			d = protocol.Request
		}
		if skip < 0 && !f.later(i, want) {
			c = append(c, protocol.Segment{Direction: d, At: p.at, Size: int64(-skip)})
		}
		skip = max(skip, 0)
		c = append(c, protocol.Segment{Direction: d, At: p.at, Size: int64(p.size - skip), Head: p.data[min(skip, len(p.data)):]})
		next[p.from] = p.seq + uint32(p.size)
	}
	return c
}

// later tells whether the byte numbered seq comes in a packet after the i-th: the captures have few of those, and none matters.
func (f *flow) later(i int, seq uint32) bool {
	return slices.ContainsFunc(f.packets[i+1:], func(p packet) bool {
		return p.from == f.packets[i].from && int32(seq-p.seq) >= 0 && int32(seq-p.seq) < int32(p.size)
	})
}

// Recut returns the conversation as captured, byte by byte, and with the segments of each turn in one.
func (c Conversation) Recut() map[string]Conversation {
	var single, joined Conversation
	for _, s := range c {
		for i := range s.Head {
			single = append(single, protocol.Segment{Direction: s.Direction, At: s.At, Size: 1, Head: s.Head[i : i+1]})
		}
		hole := s.Size - int64(len(s.Head))
		if hole > 0 {
			single = append(single, protocol.Segment{Direction: s.Direction, At: s.At, Size: hole})
		}
		if n := len(joined) - 1; n >= 0 && hole == 0 && joined[n].Direction == s.Direction && joined[n].Size == int64(len(joined[n].Head)) {
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
func Datagrams(t testing.TB, pcap []byte) (all [][]byte) {
	t.Helper()
	r, err := pcapgo.NewReader(bytes.NewReader(pcap))
	if err != nil {
		t.Fatal(err)
	}
	for {
		data, _, err := r.ReadPacketData()
		if err != nil {
			return all
		}
		if udp, ok := gopacket.NewPacket(data, r.LinkType(), gopacket.Default).Layer(layers.LayerTypeUDP).(*layers.UDP); ok {
			all = append(all, udp.Payload)
		}
	}
}
