// Package envelope is the form in which telemetry lies in JetStream: an OTLP protobuf export request, zstd, on the subject of
// its signal and node, with an id that stays the same however often the message is sent.
package envelope

import (
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
	"github.com/nats-io/nats.go"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// Headers of a message. The id is JetStream's own header: it deduplicates by it.
const (
	HeaderID       = nats.MsgIdHdr
	HeaderEncoding = "Content-Encoding"
	encodingZstd   = "zstd"
)

// MaxOTLP bounds one request before compression, in bytes. It is what the ingester takes in one message.
const MaxOTLP = 16 << 20

// ErrPoison means a message can never be read, however often it is delivered.
var ErrPoison = errors.New("unreadable telemetry message")

// Batch is one export request.
type Batch struct {
	ID     string
	Signal telemetry.Signal
	OTLP   []byte // protobuf, not compressed
}

// NewID returns a random id for a batch.
func NewID() string { return rand.Text() }

// Codec packs and opens messages. Safe for concurrent use.
type Codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

// NewCodec returns a codec that opens messages of at most MaxOTLP bytes.
func NewCodec() (*Codec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("make zstd encoder: %w", err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(MaxOTLP), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("make zstd decoder: %w", err)
	}
	return &Codec{enc: enc, dec: dec}, nil
}

// Pack makes the message that carries b from a node.
func (c *Codec) Pack(b Batch, node string) *nats.Msg {
	m := nats.NewMsg(telemetry.Subject(b.Signal, node))
	m.Header.Set(HeaderID, b.ID)
	m.Header.Set(HeaderEncoding, encodingZstd)
	m.Data = c.enc.EncodeAll(b.OTLP, make([]byte, 0, len(b.OTLP)/4))
	return m
}

// Open is the reverse of Pack. Its errors wrap ErrPoison. It does not look inside the OTLP bytes.
func (c *Codec) Open(subject string, header nats.Header, data []byte) (Batch, error) {
	b := Batch{ID: header.Get(HeaderID), Signal: telemetry.SignalOf(subject)}
	if b.Signal == "" {
		return b, fmt.Errorf("%w: subject %q names no signal", ErrPoison, subject)
	}
	if b.ID == "" {
		return b, fmt.Errorf("%w: no %s header", ErrPoison, HeaderID)
	}
	switch enc := header.Get(HeaderEncoding); enc {
	case "":
		b.OTLP = data
	case encodingZstd:
		var err error
		if b.OTLP, err = c.dec.DecodeAll(data, nil); err != nil {
			return b, fmt.Errorf("%w: zstd: %w", ErrPoison, err)
		}
	default:
		return b, fmt.Errorf("%w: encoding %q", ErrPoison, enc)
	}
	return b, nil
}
