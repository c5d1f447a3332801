package capture

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
)

// What files begin with, as a number in their own order of bytes; the first in either.
const (
	microseconds = 0xa1b2c3d4
	patched      = 0xa1b2cd34 // libpcap as Alexey Kuznetsov patched it: a packet's head has eight bytes more
)

// nextGeneration is what a file in the pcapng format begins with.
var nextGeneration = []byte{0x0a, 0x0d, 0x0d, 0x0a}

const (
	fileHead     = 24
	packetHead   = 16
	patchedExtra = 8
	maxPacket    = 256 << 10 // tcpdump's
)

// usual makes of a file in pcap format what the reader knows: some programs write the version in the wrong order of bytes, or the format's old variant.
func usual(r *bufio.Reader) (io.Reader, error) {
	head, err := r.Peek(fileHead)
	if err != nil {
		return nil, err
	}
	var order binary.ByteOrder = binary.LittleEndian
	magic := order.Uint32(head)
	if magic != microseconds && magic != patched {
		order = binary.BigEndian
		magic = order.Uint32(head)
	}
	if magic != microseconds && magic != patched {
		return r, nil // the reader knows others, and says what it does not know
	}
	head = bytes.Clone(head)
	if _, err := r.Discard(fileHead); err != nil {
		return nil, err
	}
	order.PutUint32(head, microseconds)
	order.PutUint16(head[4:], 2)
	order.PutUint16(head[6:], 4)
	order.PutUint32(head[16:], maxPacket) // what the file says is often less than its packets are
	if magic == patched {
		return io.MultiReader(bytes.NewReader(head), &unpatched{r: r, order: order}), nil
	}
	return io.MultiReader(bytes.NewReader(head), r), nil
}

// unpatched leaves out what is more in the heads of packets.
type unpatched struct {
	r     *bufio.Reader
	order binary.ByteOrder
	head  []byte // what is left of a packet's head
	data  int64  // how much is left of the packet
}

// Read implements io.Reader.
func (u *unpatched) Read(p []byte) (n int, err error) {
	if len(u.head) == 0 && u.data == 0 {
		var whole [packetHead + patchedExtra]byte
		if _, err := io.ReadFull(u.r, whole[:]); err != nil {
			return 0, err //nolint:wrapcheck // the reader's own
		}
		u.head, u.data = whole[:packetHead], int64(u.order.Uint32(whole[8:]))
	}
	if len(u.head) > 0 {
		n = copy(p, u.head)
		u.head = u.head[n:]
		return n, nil
	}
	n, err = u.r.Read(p[:min(int64(len(p)), u.data)])
	u.data -= int64(n)
	return n, err //nolint:wrapcheck // the reader's own
}
