package capture

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/midwatch/midwatch/collector/probe"
)

// Follower is told what happens on the connections of a capture: each as its server's end sees it, where the capture has its beginning.
type Follower interface {
	Chunk(c *probe.Chunk)
	Closed(c probe.Closed)
	// Datagram is one of UDP. b is valid only during the call.
	Datagram(from, to netip.AddrPort, at time.Time, b []byte)
}

// Stats counts what a capture has.
type Stats struct {
	Packets     int
	Skipped     int   // neither TCP nor UDP over IP
	Connections int   // with bytes of an application
	Bytes       int64 // of applications
	Missing     int64 // of them, that the capture does not have
	Cut         bool  // the file ends in the middle of a packet
	First, Last time.Time
}

// packets is what both formats' readers have.
type packets interface {
	ReadPacketData() ([]byte, gopacket.CaptureInfo, error)
	LinkType() layers.LinkType
}

// Read reads a capture to its end. What an end says before the capture has it say that the connection began is taken for the middle of one. A connection that
// the capture does not end is not told to be closed.
func Read(r io.Reader, to Follower) (Stats, error) {
	in, err := open(bufio.NewReaderSize(r, 1<<20))
	if err != nil {
		return Stats{}, fmt.Errorf("not a packet capture (pcap, pcapng): %w", err)
	}
	f := newFlows(to)
	for {
		data, info, err := in.ReadPacketData()
		switch {
		case errors.Is(err, io.EOF):
			return f.end(), nil
		case errors.Is(err, io.ErrUnexpectedEOF): // who captured was killed: what came before still counts
			f.stats.Cut = true
			return f.end(), nil
		case err != nil:
			return f.end(), fmt.Errorf("read packet %d: %w", f.stats.Packets+1, err)
		}
		f.packet(gopacket.NewPacket(data, link(in.LinkType()), gopacket.DecodeOptions{Lazy: true, NoCopy: true}), info)
	}
}

// link is how packets begin. Those without anything before IP have three names, of which the library reads one.
func link(t layers.LinkType) layers.LinkType {
	if t == layers.LinkTypeIPv4 || t == layers.LinkTypeIPv6 {
		return layers.LinkTypeRaw
	}
	return t
}

func open(r *bufio.Reader) (packets, error) {
	head, err := r.Peek(len(nextGeneration))
	if err != nil {
		return nil, err
	}
	if bytes.Equal(head, nextGeneration) {
		return pcapgo.NewNgReader(r, pcapgo.NgReaderOptions{WantMixedLinkType: false, SkipUnknownVersion: true})
	}
	file, err := usual(r)
	if err != nil {
		return nil, err
	}
	return pcapgo.NewReader(file)
}
