package mongodb

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// maxInflated is how much of a message is looked at once it is no longer compressed.
const maxInflated = 64 << 10

// inflate reads OP_COMPRESSED. What cannot be read, because its end was not copied or its compression is unknown, is nil. ok is false if it makes no sense.
func inflate(b []byte) (op int32, inflated []byte, ok bool) {
	const fixed = 9
	if len(b) < fixed {
		return opMsg, nil, true
	}
	op = int32(binary.LittleEndian.Uint32(b))
	size := int64(int32(binary.LittleEndian.Uint32(b[4:])))
	compressor, b := b[8], b[fixed:]
	if op == opCompressed || size < 0 || size > maxMessage || frameSizeOf(op) == 0 {
		return op, nil, false
	}
	switch compressor {
	case 0:
		return op, b, true
	case 1:
		if n, err := snappy.DecodedLen(b); err == nil && n <= maxInflated {
			inflated, _ = snappy.Decode(nil, b)
		}
		return op, inflated, true
	case 2:
		if r, err := zlib.NewReader(bytes.NewReader(b)); err == nil {
			inflated = begin(r)
		}
		return op, inflated, true
	case 3:
		if r, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(8<<20), zstd.WithDecoderLowmem(true)); err == nil {
			inflated = begin(r)
			r.Close()
		}
		return op, inflated, true
	}
	return op, nil, false
}

// begin reads what there is, up to the bound; nil if that is nothing.
func begin(r io.Reader) []byte {
	b, _ := io.ReadAll(io.LimitReader(r, maxInflated))
	if len(b) == 0 {
		return nil
	}
	return b
}

// frameSizeOf is not 0 for the operations that there are.
func frameSizeOf(op int32) int64 {
	var b [headSize]byte
	binary.LittleEndian.PutUint32(b[:], headSize)
	binary.LittleEndian.PutUint32(b[12:], uint32(op))
	return frameSize(b[:])
}
