package mysql

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

const (
	packedHead  = 7       // length as it is, sequence number, length unpacked or 0 if it is not packed
	maxPacked   = 8 << 10 // bytes of one that are unpacked
	maxUnpacked = 1 << 20 // what those may become
)

// compression is the layer below packets once the login is done: each transfer is packed, or not if it is short.
type compression struct {
	client, server protocol.Frames
}

func newCompression() *compression {
	frames := protocol.Frames{Head: packedHead, Keep: maxPacked, Size: func(b []byte) int64 { return packetSize(b) - packetHead + packedHead }}
	return &compression{client: frames, server: frames}
}

// compress has all that follows come packed.
func (p *Parser) compress() {
	p.packed = newCompression()
	p.client.Unpacked()
}

// packedCommand is the command within b, the first transfer that is seen of a connection, if packets are packed on it.
func packedCommand(b []byte) (command []byte, ok bool) {
	if len(b) <= packedHead || b[3] != 0 || packetSize(b)-packetHead+packedHead != int64(len(b)) {
		return nil, false
	}
	size := packetSize(b[4:]) - packetHead
	if size == 0 {
		return b[packedHead:], true
	}
	if size > maxUnpacked {
		return nil, false
	}
	command, err := inflate(b[packedHead:], size)
	return command, err == nil && int64(len(command)) == size
}

// inflate unpacks up to size bytes: of a beginning, what it begins with.
func inflate(b []byte, size int64) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(z, size))
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return out, nil
	}
	return out, err
}

func (c *compression) data(p *Parser, d protocol.Direction, at time.Time, b []byte) bool {
	of := c.side(d)
	return !of.Lost() && of.Data(at, b, func(f protocol.Frame) bool { return unpack(p, d, f) }) && !of.Lost()
}

func (c *compression) hole(p *Parser, d protocol.Direction, at time.Time, n int64) bool {
	of := c.side(d)
	return of.Hole(at, n, func(f protocol.Frame) bool { return unpack(p, d, f) }) && !of.Lost()
}

func (c *compression) side(d protocol.Direction) *protocol.Frames {
	if d == protocol.Request {
		return &c.client
	}
	return &c.server
}

// unpack hands on what a frame holds. What is not there, or would be too much, is a hole of the length that it says.
func unpack(p *Parser, d protocol.Direction, f protocol.Frame) bool {
	b, size := f.Bytes[packedHead:], packetSize(f.Bytes[4:])-packetHead
	whole := f.Size == int64(len(f.Bytes))
	if size == 0 { // as it is
		size = f.Size - packedHead
	} else {
		out, err := inflate(b, min(size, maxUnpacked))
		if err != nil || whole && int64(len(out)) < min(size, maxUnpacked) {
			return false
		}
		b = out
	}
	at, rest := f.Last, size-int64(len(b))
	if d == protocol.Request {
		at = f.First
	}
	return pieces(p, d, at, b) && (rest == 0 || p.missing(d, at, rest))
}

func pieces(p *Parser, d protocol.Direction, at time.Time, b []byte) bool {
	for piece := range slices.Chunk(b, protocol.MaxBuffered/2) {
		if !p.plain(d, at, piece) {
			return false
		}
	}
	return true
}
