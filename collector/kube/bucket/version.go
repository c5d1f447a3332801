package bucket

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/midwatch/midwatch/collector/kube/object"
)

// Version is the version of an object that was published last.
type Version struct {
	ResourceVersion string        `json:"rv"`
	At              time.Time     `json:"at"`   // of the version
	Said            time.Time     `json:"said"` // the moment from which a question about the past finds it
	Tags            object.Tags   `json:"tags,omitempty"`
	Object          object.Object `json:"object"` // normalized, masked
}

// Codec packs versions into a few hundred bytes each. Safe for concurrent use.
type Codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

// maxVersion bounds one version before compression, in bytes.
const maxVersion = 8 << 20

// NewCodec returns a codec.
func NewCodec() (*Codec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(2), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("make zstd encoder: %w", err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(maxVersion), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("make zstd decoder: %w", err)
	}
	return &Codec{enc: enc, dec: dec}, nil
}

// Pack is the reverse of Open.
func (c *Codec) Pack(v Version) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode a version: %w", err)
	}
	return c.enc.EncodeAll(b, make([]byte, 0, len(b)/3)), nil
}

// Open decodes a packed version.
func (c *Codec) Open(packed []byte) (v Version, err error) {
	b, err := c.dec.DecodeAll(packed, nil)
	if err != nil {
		return v, fmt.Errorf("unpack a version: %w", err)
	}
	raw := struct {
		*Version
		Object json.RawMessage `json:"object"`
	}{Version: &v}
	if err := json.Unmarshal(b, &raw); err != nil {
		return v, fmt.Errorf("decode a version: %w", err)
	}
	v.Object, err = object.Decode(raw.Object)
	return v, err
}
