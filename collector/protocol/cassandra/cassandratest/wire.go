package cassandratest

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"net"

	"github.com/klauspost/compress/snappy"
	"github.com/pierrec/lz4/v4"
)

// maxPayload is of a segment.
const maxPayload = 1<<17 - 1

type envelope struct {
	version, flags, opcode byte
	stream                 uint16
	body                   []byte
}

// wire reads and writes the envelopes of a connection.
type wire struct {
	conn        net.Conn
	compression string
	segmented   bool
	unread      []byte // of segments
}

func (w *wire) read() (envelope, error) {
	head, err := w.next(9)
	if err != nil {
		return envelope{}, err
	}
	e := envelope{version: head[0], flags: head[1], stream: binary.BigEndian.Uint16(head[2:]), opcode: head[4]}
	if e.body, err = w.next(int(binary.BigEndian.Uint32(head[5:]))); err != nil || e.flags&1 == 0 {
		return e, err
	}
	if w.compression == "snappy" {
		e.body, err = snappy.Decode(nil, e.body)
		return e, err
	}
	out := make([]byte, binary.BigEndian.Uint32(e.body))
	_, err = lz4.UncompressBlock(e.body[4:], out)
	e.body = out
	return e, err
}

// next is the next n bytes of envelopes.
func (w *wire) next(n int) ([]byte, error) {
	if !w.segmented {
		b := make([]byte, n)
		_, err := io.ReadFull(w.conn, b)
		return b, err
	}
	for len(w.unread) < n {
		if err := w.segment(); err != nil {
			return nil, err
		}
	}
	b := w.unread[:n]
	w.unread = w.unread[n:]
	return b, nil
}

func (w *wire) segment() error {
	size := 3
	if w.compression != "" {
		size = 5
	}
	head := make([]byte, size+3)
	if _, err := io.ReadFull(w.conn, head); err != nil {
		return err
	}
	fields := append(make([]byte, 0, 8), head[:size]...)
	v := binary.LittleEndian.Uint64(fields[:8])
	payload := make([]byte, v&maxPayload+4)
	if _, err := io.ReadFull(w.conn, payload); err != nil {
		return err
	}
	payload = payload[:len(payload)-4]
	if inflated := v >> 17 & maxPayload; size == 5 && inflated > 0 {
		out := make([]byte, inflated)
		if _, err := lz4.UncompressBlock(payload, out); err != nil {
			return err
		}
		payload = out
	}
	w.unread = append(w.unread, payload...)
	return nil
}

// write answers e, compressed where that makes it smaller.
func (w *wire) write(e envelope, opcode byte, body []byte) error {
	flags := byte(0)
	if !w.segmented && e.version < 5 && len(body) > 64 && w.compression != "" {
		flags, body = 1, w.deflate(body)
	}
	b := concat([]byte{e.version | 0x80, flags}, short(int(e.stream)), []byte{opcode}, number(len(body)), body)
	if w.segmented {
		b = w.segments(b)
	}
	_, err := w.conn.Write(b)
	return err
}

func (w *wire) deflate(b []byte) []byte {
	if w.compression == "snappy" {
		return snappy.Encode(nil, b)
	}
	return append(number(len(b)), block(b)...)
}

// block is one of LZ4, of literals if b does not become smaller.
func block(b []byte) []byte {
	out := make([]byte, lz4.CompressBlockBound(len(b)))
	n, err := lz4.CompressBlock(b, out, nil)
	if err != nil || n == 0 {
		panic(errors.Join(err, errors.New("not compressible")))
	}
	return out[:n]
}

func (w *wire) segments(b []byte) (out []byte) {
	whole := uint64(0)
	if len(b) <= maxPayload {
		whole = 1
	}
	for len(b) > 0 {
		n := min(len(b), maxPayload)
		payload, size, v := b[:n], 3, uint64(n)|whole<<17
		if w.compression != "" {
			size, v = 5, uint64(n)|whole<<34
			if n > 64 {
				payload = block(payload)
				v = uint64(len(payload)) | uint64(n)<<17 | whole<<34
			}
		}
		head := binary.LittleEndian.AppendUint64(nil, v)[:size]
		sum := crc24(head)
		out = concat(out, head, []byte{byte(sum), byte(sum >> 8), byte(sum >> 16)}, payload, binary.LittleEndian.AppendUint32(nil, crc(payload)))
		b = b[n:]
	}
	return out
}

func crc(b []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE([]byte{0xfa, 0x2d, 0x55, 0xca}), crc32.IEEETable, b)
}

func crc24(b []byte) uint32 {
	crc := uint32(0x875060)
	for _, c := range b {
		crc ^= uint32(c) << 16
		for range 8 {
			if crc <<= 1; crc&(1<<24) != 0 {
				crc ^= 0x1974f0b
			}
		}
	}
	return crc
}
