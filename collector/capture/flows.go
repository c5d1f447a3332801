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
	s, ok := readSegment(p, info.Timestamp)
	if !ok {
		f.stats.Skipped++
		return
	}
	f.of(s).take(s)
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

// readSegment reads a packet; ok is false if it is not TCP over IP.
func readSegment(p gopacket.Packet, at time.Time) (s segment, ok bool) {
	tcp, ok := p.Layer(layers.LayerTypeTCP).(*layers.TCP)
	if !ok {
		return s, false
	}
	var src, dst netip.Addr
	size := len(tcp.Payload)
	switch ip := p.NetworkLayer().(type) {
	case *layers.IPv4:
		src, _ = netip.AddrFromSlice(ip.SrcIP)
		dst, _ = netip.AddrFromSlice(ip.DstIP)
		if ip.Length > 0 { // 0 is what a machine captures of its own packets before the card cuts them
			size = max(int(ip.Length)-int(ip.IHL)*4-int(tcp.DataOffset)*4, 0)
		}
	case *layers.IPv6:
		src, _ = netip.AddrFromSlice(ip.SrcIP)
		dst, _ = netip.AddrFromSlice(ip.DstIP)
		if n := int(ip.Length) - len(tcp.Contents); ip.Length > 0 && n >= 0 && len(p.Layers()) > 0 && ip.NextHeader == layers.IPProtocolTCP {
			size = n
		}
	default:
		return s, false
	}
	return segment{
		from: netip.AddrPortFrom(src.Unmap(), uint16(tcp.SrcPort)), to: netip.AddrPortFrom(dst.Unmap(), uint16(tcp.DstPort)), at: at,
		seq: tcp.Seq, acked: tcp.Ack, syn: tcp.SYN, ack: tcp.ACK, fin: tcp.FIN, rst: tcp.RST,
		data: tcp.Payload[:min(len(tcp.Payload), size)], size: uint32(size), // without Ethernet's padding
	}, true
}
