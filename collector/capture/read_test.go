package capture_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/midwatch/midwatch/collector/capture"
	"github.com/midwatch/midwatch/collector/probe"
)

// packet is one of a capture: who sends, its flags (S, A, F, R), its numbers, and what it carries, of which have bytes were captured (all, if 0).
type packet struct {
	server bool
	flags  string
	seq    uint32
	acked  uint32
	data   string
	have   int
}

// seen writes down what a capture tells: "1 unknown> 5 hello", "1 server< 3 (2 missing)", "1 closed".
type seen struct{ lines []string }

func (s *seen) Chunk(c *probe.Chunk) {
	arrow := ">"
	if c.Direction == probe.Send {
		arrow = "<"
	}
	line := fmt.Sprintf("%d %s%s %s", c.Sock, map[probe.Role]string{probe.RoleServer: "server"}[c.Role], arrow, c.Data)
	if missing := c.Size - len(c.Data); missing > 0 {
		line += fmt.Sprintf("(%d missing)", missing)
	}
	s.lines = append(s.lines, line)
}

func (s *seen) Closed(c probe.Closed) {
	s.lines = append(s.lines, fmt.Sprintf("%d closed %s", c.Sock, c.Errno))
}

func (s *seen) Datagram(from, to netip.AddrPort, _ time.Time, b []byte) {
	s.lines = append(s.lines, fmt.Sprintf("%s > %s %s", from, to, b))
}

// bytesOf is a packet as it is on the wire.
func bytesOf(t testing.TB, p packet, six bool) []byte {
	t.Helper()
	tcp := &layers.TCP{
		SrcPort: 40000, DstPort: 80, Seq: p.seq, Ack: p.acked, SYN: strings.Contains(p.flags, "S"), ACK: strings.Contains(p.flags, "A"),
		FIN: strings.Contains(p.flags, "F"), RST: strings.Contains(p.flags, "R"),
	}
	src, dst := net.IP{10, 0, 0, 1}, net.IP{10, 0, 0, 2}
	if p.server {
		tcp.SrcPort, tcp.DstPort, src, dst = tcp.DstPort, tcp.SrcPort, dst, src
	}
	var network interface {
		gopacket.SerializableLayer
		gopacket.NetworkLayer
	} = &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: src, DstIP: dst}
	ether := layers.EthernetTypeIPv4
	if six {
		network, ether = &layers.IPv6{Version: 6, NextHeader: layers.IPProtocolTCP, SrcIP: append(net.IP{0xfd, 15: 0}[:12], src...), DstIP: append(net.IP{0xfd, 15: 0}[:12], dst...)}, layers.EthernetTypeIPv6
	}
	if err := tcp.SetNetworkLayerForChecksum(network); err != nil {
		t.Fatal(err)
	}
	out := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(out, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.Ethernet{SrcMAC: make(net.HardwareAddr, 6), DstMAC: make(net.HardwareAddr, 6), EthernetType: ether}, network, tcp, gopacket.Payload(p.data))
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// writer is what both formats' writers have.
type writer interface {
	WritePacket(info gopacket.CaptureInfo, data []byte) error
}

func write(t testing.TB, w writer, six bool, packets []packet) {
	t.Helper()
	for i, p := range packets {
		b := bytesOf(t, p, six)
		info := gopacket.CaptureInfo{Timestamp: time.Unix(int64(i)+1, 0), Length: len(b), CaptureLength: len(b)}
		if p.have > 0 {
			info.CaptureLength -= len(p.data) - p.have
		} else if len(p.data) == 0 {
			b = append(b, make([]byte, 6)...) // what Ethernet fills up
			info.Length, info.CaptureLength = len(b), len(b)
		}
		if err := w.WritePacket(info, b[:info.CaptureLength]); err != nil {
			t.Fatal(err)
		}
	}
}

func pcap(t testing.TB, six bool, packets []packet) []byte {
	t.Helper()
	var out bytes.Buffer
	w := pcapgo.NewWriter(&out)
	if err := w.WriteFileHeader(65536, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	write(t, w, six, packets)
	return out.Bytes()
}

func pcapng(t testing.TB, packets []packet) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := pcapgo.NewNgWriter(&out, layers.LinkTypeEthernet)
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, false, packets)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var greeting = []packet{
	{flags: "S", seq: 100},
	{server: true, flags: "SA", seq: 500, acked: 101},
	{flags: "A", seq: 101, acked: 501},
	{flags: "A", seq: 101, acked: 501, data: "hello"},
	{server: true, flags: "A", seq: 501, acked: 106, data: "you"},
	{flags: "FA", seq: 106, acked: 504},
	{server: true, flags: "FA", seq: 504, acked: 107},
	{flags: "A", seq: 107, acked: 505},
}

var greeted = []string{"1 server> hello", "1 server< you", "1 closed errno 0"}

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		packets []packet
		want    []string
	}{
		"from beginning to end": {greeting, greeted},
		"twice":                 {append(greeting[:8:8], greeting...), append(greeted[:3:3], "2 server> hello", "2 server< you", "2 closed errno 0")},
		"from the middle":       {greeting[3:4], []string{"1 > hello"}},
		"the answer first":      {greeting[4:5], []string{"1 > you"}},
		"sent again": {
			[]packet{greeting[0], {flags: "A", seq: 101, data: "hel"}, {flags: "A", seq: 101, data: "hel"}, {flags: "A", seq: 103, data: "lo"}},
			[]string{"1 server> hel", "1 server> o"},
		},
		"out of order": {
			[]packet{greeting[0], {flags: "A", seq: 104, data: "lo"}, {flags: "A", seq: 106, data: "!"}, {flags: "A", seq: 101, data: "hel"}},
			[]string{"1 server> hel", "1 server> lo", "1 server> !"},
		},
		"lost, and acknowledged": {
			[]packet{greeting[0], greeting[1], {flags: "A", seq: 101, data: "he"}, {flags: "A", seq: 105, data: "o"}, {server: true, flags: "A", seq: 501, acked: 106, data: "you"}},
			[]string{"1 server> he", "1 server> (2 missing)", "1 server> o", "1 server< you"},
		},
		"the last is lost": {
			[]packet{greeting[0], greeting[1], {flags: "A", seq: 101, data: "he"}, {server: true, flags: "A", seq: 501, acked: 106, data: "you"}},
			[]string{"1 server> he", "1 server> (3 missing)", "1 server< you"},
		},
		"lost, and nothing else": {
			[]packet{greeting[0], {flags: "A", seq: 101, data: "he"}, {flags: "A", seq: 105, data: "o"}},
			[]string{"1 server> he", "1 server> (2 missing)", "1 server> o"},
		},
		"captured in part":             {[]packet{greeting[0], {flags: "A", seq: 101, data: "hello world", have: 8}, {flags: "A", seq: 112, data: "!"}}, []string{"1 server> hello wo(3 missing)", "1 server> !"}},
		"reset":                        {[]packet{greeting[0], {flags: "A", seq: 101, data: "hello"}, {server: true, flags: "R", seq: 501}}, []string{"1 server> hello", "1 closed connection reset by peer"}},
		"opened anew without an end":   {append(greeting[:4:4], packet{flags: "S", seq: 900}, packet{flags: "A", seq: 901, data: "again"}), []string{"1 server> hello", "1 closed errno 0", "2 server> again"}},
		"the opening sent again":       {append([]packet{greeting[0]}, greeting...), greeted},
		"the answer to it comes first": {append([]packet{greeting[1], greeting[0]}, greeting[2:]...), greeted},
		"over the end of the numbers": {
			[]packet{{flags: "S", seq: 0xfffffffe}, {flags: "A", seq: 0xffffffff, data: "hel"}, {flags: "A", seq: 4, data: "!"}, {flags: "A", seq: 2, data: "lo"}},
			[]string{"1 server> hel", "1 server> lo", "1 server> !"},
		},
		"nobody says anything": {append(greeting[:3:3], greeting[5:]...), []string{"1 server< (3 missing)", "1 server> (5 missing)", "1 closed errno 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			for form, file := range map[string][]byte{"pcap": pcap(t, false, c.packets), "IPv6": pcap(t, true, c.packets), "pcapng": pcapng(t, c.packets)} {
				var got seen
				stats, err := capture.Read(bytes.NewReader(file), &got)
				if err != nil || stats.Packets != len(c.packets) || stats.Skipped != 0 || stats.Cut {
					t.Errorf("%s: %+v, %v", form, stats, err)
				}
				if diff := cmp.Diff(c.want, got.lines); diff != "" {
					t.Errorf("%s (-want +got):\n%s", form, diff)
				}
			}
		})
	}
}

// TestDatagrams, and what is neither of TCP nor of UDP.
func TestDatagrams(t *testing.T) {
	var file bytes.Buffer
	w := pcapgo.NewWriter(&file)
	if err := w.WriteFileHeader(65536, layers.LinkTypeIPv4); err != nil {
		t.Fatal(err)
	}
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: net.IP{10, 0, 0, 1}, DstIP: net.IP{10, 0, 0, 2}}
	for _, rest := range [][]gopacket.SerializableLayer{{&layers.UDP{SrcPort: 4000, DstPort: 53}, gopacket.Payload("who")}, {&layers.ICMPv4{}}} {
		out := gopacket.NewSerializeBuffer()
		if err := gopacket.SerializeLayers(out, gopacket.SerializeOptions{FixLengths: true}, append([]gopacket.SerializableLayer{ip}, rest...)...); err != nil {
			t.Fatal(err)
		}
		if err := w.WritePacket(gopacket.CaptureInfo{Timestamp: time.Unix(1, 0), Length: len(out.Bytes()), CaptureLength: len(out.Bytes())}, out.Bytes()); err != nil {
			t.Fatal(err)
		}
		ip.Protocol = layers.IPProtocolICMPv4
	}
	var got seen
	stats, err := capture.Read(&file, &got)
	if err != nil || stats.Packets != 2 || stats.Skipped != 1 {
		t.Errorf("%+v, %v", stats, err)
	}
	if diff := cmp.Diff([]string{"10.0.0.1:4000 > 10.0.0.2:53 who"}, got.lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestOldAndDamagedHeads: the version in the wrong order, and the format's old variant.
func TestOldAndDamagedHeads(t *testing.T) {
	usual := pcap(t, false, greeting)
	swapped := bytes.Clone(usual)
	swapped[4], swapped[5], swapped[6], swapped[7] = 0, 2, 0, 4
	patched := bytes.Clone(usual[:24])
	binary.LittleEndian.PutUint32(patched, 0xa1b2cd34)
	for b := usual[24:]; len(b) > 0; {
		size := 16 + binary.LittleEndian.Uint32(b[8:])
		patched = append(append(append(patched, b[:16]...), make([]byte, 8)...), b[16:size]...)
		b = b[size:]
	}
	for name, file := range map[string][]byte{"swapped": swapped, "patched": patched} {
		var got seen
		if _, err := capture.Read(bytes.NewReader(file), &got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(greeted, got.lines); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestCutFile: of a capture whose program was killed, what came before counts.
func TestCutFile(t *testing.T) {
	file := pcap(t, false, greeting[:5])
	var got seen
	stats, err := capture.Read(bytes.NewReader(file[:len(file)-1]), &got)
	if err != nil || !stats.Cut || stats.Packets != 4 {
		t.Errorf("%+v, %v", stats, err)
	}
	if diff := cmp.Diff(greeted[:1], got.lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNoCapture(t *testing.T) {
	for _, text := range []string{"", "GET", "no capture at all, but long enough"} {
		if _, err := capture.Read(strings.NewReader(text), &seen{}); err == nil || !strings.Contains(err.Error(), "not a packet capture") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestManyWait: no more waits for lost bytes than may.
func TestManyWait(t *testing.T) {
	packets := []packet{greeting[0]}
	for i := range 200 {
		packets = append(packets, packet{flags: "A", seq: 110 + uint32(i), data: "x"})
	}
	var got seen
	stats, err := capture.Read(bytes.NewReader(pcap(t, false, packets)), &got)
	if err != nil || stats.Missing != 9 || len(got.lines) != 201 || got.lines[0] != "1 server> (9 missing)" {
		t.Errorf("%+v, %v: %d chunks, %.100q", stats, err, len(got.lines), got.lines)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(pcap(f, false, greeting))
	f.Add(pcap(f, true, greeting))
	f.Add(pcapng(f, greeting))
	f.Fuzz(func(t *testing.T, file []byte) {
		var got seen
		stats, _ := capture.Read(bytes.NewReader(file), &got)
		if stats.Missing > stats.Bytes || stats.Missing < 0 {
			t.Errorf("%+v", stats)
		}
	})
}
