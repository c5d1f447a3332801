package cassandra

import (
	"encoding/binary"

	"github.com/klauspost/compress/snappy"
	"github.com/pierrec/lz4/v4"
)

// maxInflated bounds what a compressed body or segment is inflated to: a segment of version 5 is never larger.
const maxInflated = 128 << 10

// inflate returns a compressed body, which must be whole, or false.
func inflate(algorithm string, b []byte) ([]byte, bool) {
	switch algorithm {
	case "lz4":
		if len(b) < 4 {
			return nil, false
		}
		return inflateBlock(b[4:], int64(binary.BigEndian.Uint32(b)))
	case "snappy":
		if n, err := snappy.DecodedLen(b); err != nil || n > maxInflated {
			return nil, false
		}
		out, err := snappy.Decode(nil, b)
		return out, err == nil
	}
	return nil, false
}

// inflateBlock returns a block of LZ4 that is size bytes long when inflated.
func inflateBlock(b []byte, size int64) ([]byte, bool) {
	if size > maxInflated || size > 255*int64(len(b)) { // LZ4 makes no more of it
		return nil, false
	}
	out := make([]byte, size)
	n, err := lz4.UncompressBlock(b, out)
	return out, err == nil && int64(n) == size
}
