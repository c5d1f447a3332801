package load

import (
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// codec passes messages through as they are on the wire.
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("encode %T: not bytes", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(*b)}, nil
}

func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	b, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("decode %T: not bytes", v)
	}
	*b = data.Materialize()
	return nil
}

// reconnect tries again soon: a receiver that was killed is back after a second.
func reconnect() grpc.ConnectParams {
	return grpc.ConnectParams{
		Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
		MinConnectTimeout: 5 * time.Second,
	}
}

// rejected reads how many records a response's partial success names: field 1 in field 1.
func rejected(answer []byte) int64 {
	partial, ok := field(answer, 1, protowire.BytesType)
	if !ok {
		return 0
	}
	inner, _ := protowire.ConsumeBytes(partial)
	count, ok := field(inner, 1, protowire.VarintType)
	if !ok {
		return 0
	}
	n, _ := protowire.ConsumeVarint(count)
	return int64(n) //nolint:gosec // an int64 on the wire
}

// field returns what follows a field's tag.
func field(b []byte, want protowire.Number, kind protowire.Type) ([]byte, bool) {
	for len(b) > 0 {
		number, is, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, false
		}
		b = b[n:]
		if number == want && is == kind {
			return b, true
		}
		if n = protowire.ConsumeFieldValue(number, is, b); n < 0 {
			return nil, false
		}
		b = b[n:]
	}
	return nil, false
}
