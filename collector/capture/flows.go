package capture

import (
	"net/netip"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// maxFlows is how many connections are followed at a time; past it the one idle longest is forgotten.
const maxFlows = 8192

// ends are the two addresses of a connection, the lower first.
type ends [2]netip.AddrPort

// flows are the connections of a capture.
type flows struct {
	to    Follower
	open  *simplelru.LRU[ends, *flow]
	stats Stats
}

func newFlows(to Follower) *flows {
	open, err := simplelru.NewLRU[ends, *flow](maxFlows, nil)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &flows{to: to, open: open}
}

// segment is a packet of a connection.
type segment struct {
	from, to           netip.AddrPort
	at                 time.Time
	seq, acked         uint32
	syn, ack, fin, rst bool
	data               []byte
	size               uint32 // of the payload on the wire, of which the capture may lack the end
}

func (f *flows) packet(p gopacket.Packet, info gopacket.CaptureInfo) {
	f.stats.Packets++
	if f.stats.First.IsZero() {
		f.stats.First = info.Timestamp
	}
	f.stats.Last = info.Timestamp
	if s, ok := readSegment(p, info.Timestamp); ok {
		f.of(s).take(s)
		return
	}
	src, dst, ok := addresses(p)
	if udp, is := p.Layer(layers.LayerTypeUDP).(*layers.UDP); is && ok {
		f.to.Datagram(netip.AddrPortFrom(src, uint16(udp.SrcPort)), netip.AddrPortFrom(dst, uint16(udp.DstPort)), info.Timestamp, udp.Payload)
		return
	}
	f.stats.Skipped++
}

// of finds the connection of a segment. Who opens one anew under the same addresses begins another.
func (f *flows) of(s segment) *flow {
	key := ends{s.from, s.to}
	if s.to.Compare(s.from) < 0 {
		key = ends{s.to, s.from}
	}
	k, ok := f.open.Get(key)
	if ok && !k.begunAnew(s) {
		return k
	}
	if ok {
		k.end(s.at, 0)
	}
	k = newFlow(f, s)
	f.open.Add(key, k)
	return k
}

func (f *flows) end() Stats {
	for _, k := range f.open.Values() {
		k.flush()
	}
	return f.stats
}

// addresses are those of a packet; ok is false if it has none of IP.
func addresses(p gopacket.Packet) (src, dst netip.Addr, ok bool) {
	switch ip := p.NetworkLayer().(type) {
	case *layers.IPv4:
		src, _ = netip.AddrFromSlice(ip.SrcIP)
		dst, ok = netip.AddrFromSlice(ip.DstIP)
	case *layers.IPv6:
		src, _ = netip.AddrFromSlice(ip.SrcIP)
		dst, ok = netip.AddrFromSlice(ip.DstIP)
	}
	return src.Unmap(), dst.Unmap(), ok
}

// readSegment reads a packet; ok is false if it is not TCP over IP.
func readSegment(p gopacket.Packet, at time.Time) (s segment, ok bool) {
	tcp, is := p.Layer(layers.LayerTypeTCP).(*layers.TCP)
	src, dst, ok := addresses(p)
	if !is || !ok {
		return s, false
	}
	size := onTheWire(p, tcp)
	return segment{
		from: netip.AddrPortFrom(src, uint16(tcp.SrcPort)), to: netip.AddrPortFrom(dst, uint16(tcp.DstPort)), at: at,
		seq: tcp.Seq, acked: tcp.Ack, syn: tcp.SYN, ack: tcp.ACK, fin: tcp.FIN, rst: tcp.RST,
		data: tcp.Payload[:min(len(tcp.Payload), size)], // without Ethernet's padding
		size: uint32(size),
	}, true
}

// onTheWire is how long a payload was, which may be more or less than the capture has of it. A length of 0 is what a machine captures of its own packets
// before the card cuts them.
func onTheWire(p gopacket.Packet, tcp *layers.TCP) int {
	switch ip := p.NetworkLayer().(type) {
	case *layers.IPv4:
		if ip.Length > 0 {
			return max(int(ip.Length)-int(ip.IHL)*4-int(tcp.DataOffset)*4, 0)
		}
	case *layers.IPv6:
		if ip.Length > 0 && ip.NextHeader == layers.IPProtocolTCP {
			return max(int(ip.Length)-int(tcp.DataOffset)*4, 0)
		}
	}
	return len(tcp.Payload)
}
