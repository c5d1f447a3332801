package server

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// A compressed frame, little-endian:
//
//	16 bytes  checksum of what follows
//	 1 byte   method
//	 4 bytes  length from the method to the frame's end
//	 4 bytes  length uncompressed
//	 …        data
const (
	checksumSize    = 16
	frameHeaderSize = 9
	maxFrame        = 128 << 20 // bytes, compressed or not
	maxLZ4Ratio     = 255
)

const (
	methodNone = 0x02
	methodLZ4  = 0x82
	methodZSTD = 0x90
)

var errFrame = errors.New("malformed compressed frame")

// frames reads what compressed frames contain. Unlike ch-go's reader it bounds the memory that a frame may take, keeps
// its buffers, and does not compute the checksum: TLS vouches for the bytes.
type frames struct {
	r    *bufio.Reader
	raw  []byte // the current frame, compressed
	data []byte // the current frame's content
	rest []byte // of data, not read yet
	zstd *zstd.Decoder
}

// Read implements io.Reader. It reads no further than the frame it needs.
func (f *frames) Read(p []byte) (int, error) {
	for len(f.rest) == 0 {
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

func (f *frames) next() error {
	var header [checksumSize + frameHeaderSize]byte
	if _, err := io.ReadFull(f.r, header[:]); err != nil {
		return fmt.Errorf("read compressed frame: %w", err)
	}
	h := header[checksumSize:]
	rawSize, size := int(binary.LittleEndian.Uint32(h[1:]))-frameHeaderSize, int(binary.LittleEndian.Uint32(h[5:]))
	if rawSize < 0 || rawSize > maxFrame || size > maxFrame {
		return fmt.Errorf("%w: %d bytes that hold %d", errFrame, rawSize, size)
	}
	f.release()
	var err error
	if f.raw, err = readSteps(f.r, f.raw[:0], rawSize); err != nil {
		return fmt.Errorf("read compressed frame: %w", err)
	}
	if err := f.unpack(h[0], size); err != nil {
		return err
	}
	f.rest = f.data
	return nil
}

// release drops buffers that one large frame made.
func (f *frames) release() {
	if cap(f.raw) > keepBuffer {
		f.raw = nil
	}
	if cap(f.data) > keepBuffer {
		f.data = nil
	}
}

func (f *frames) unpack(method byte, size int) (err error) {
	f.data = f.data[:0]
	switch method {
	case methodNone:
		f.data = append(f.data, f.raw...)
	case methodLZ4:
		if size > maxLZ4Ratio*(len(f.raw)+1) {
			return fmt.Errorf("%w: %d bytes cannot hold %d", errFrame, len(f.raw), size)
		}
		f.data = slices.Grow(f.data, size)[:size]
		var n int
		n, err = lz4.UncompressBlock(f.raw, f.data)
		f.data = f.data[:max(n, 0)]
	case methodZSTD:
		if f.zstd == nil {
			// With the limit it refuses to unpack to more than the capacity it is given.
			if f.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true)); err != nil {
				return fmt.Errorf("make a zstd decoder: %w", err)
			}
		}
		f.data, err = f.zstd.DecodeAll(f.raw, slices.Grow(f.data, size)[:0:size])
	default:
		return fmt.Errorf("%w: unknown method %#02x", errFrame, method)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errFrame, err)
	}
	if len(f.data) != size {
		return fmt.Errorf("%w: it holds %d bytes where %d were announced", errFrame, len(f.data), size)
	}
	return nil
}

// readSteps appends n bytes to b, growing it only as they arrive.
func readSteps(r io.Reader, b []byte, n int) ([]byte, error) {
	for n > 0 {
		at, step := len(b), min(n, chunk)
		b = slices.Grow(b, step)[:at+step]
		if _, err := io.ReadFull(r, b[at:]); err != nil {
			return b, err
		}
		n -= step
	}
	return b, nil
}
