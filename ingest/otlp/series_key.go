package otlp

import (
	"encoding/binary"

	"github.com/dchest/siphash"
)

// seriesKey is what ids of series and stacks are hashed with (SipHash-2-4). Points name their series by its id alone, whatever environment it is of: with
// a hash that anybody can compute, a sender of one environment could make a series of his own that has the id of another environment's.
type seriesKey struct{ k0, k1 uint64 }

func newSeriesKey(secret [16]byte) seriesKey {
	return seriesKey{binary.LittleEndian.Uint64(secret[:8]), binary.LittleEndian.Uint64(secret[8:])}
}

func (k seriesKey) hash(b []byte) uint64 { return siphash.Hash(k.k0, k.k1, b) }

// appendText adds a text and its length, so that two texts are not another two that read the same side by side.
func appendText(to []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint32(to, uint32(len(s))), s...)
}
