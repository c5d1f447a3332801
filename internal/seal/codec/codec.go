// Package codec seals Temporal payloads, so that the workflow engine and its database never hold anything readable but
// workflow ids, summaries and search attributes.
package codec

import (
	"fmt"
	"net/http"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"github.com/midwatch/midwatch/internal/seal"
)

const (
	purpose  = "temporal"
	encoding = "binary/midwatch-sealed"
)

// Codec seals and opens payloads with the keys of a ring. Safe for concurrent use.
type Codec struct{ ring *seal.Ring }

var _ converter.PayloadCodec = Codec{}

// New returns a codec of a ring.
func New(ring *seal.Ring) Codec { return Codec{ring} }

// Encode seals whole payloads, their metadata included.
func (c Codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	sealed := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		plain, err := proto.Marshal(p)
		if err != nil {
			return payloads, fmt.Errorf("seal payload: %w", err)
		}
		sealed[i] = &commonpb.Payload{
			Metadata: map[string][]byte{converter.MetadataEncoding: []byte(encoding)},
			Data:     c.ring.Seal(purpose, plain),
		}
	}
	return sealed, nil
}

// Decode opens what Encode sealed. Payloads that are not sealed pass as they are. It returns seal.ErrOpen for those
// sealed by another ring.
func (c Codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	plain := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		if string(p.GetMetadata()[converter.MetadataEncoding]) != encoding {
			plain[i] = p
			continue
		}
		b, err := c.ring.Open(purpose, p.GetData())
		if err != nil {
			return payloads, fmt.Errorf("open payload: %w", err)
		}
		plain[i] = &commonpb.Payload{}
		if err := proto.Unmarshal(b, plain[i]); err != nil {
			return payloads, fmt.Errorf("open payload: %w", err)
		}
	}
	return plain, nil
}

// DataConverter is the default converter with every payload sealed.
func DataConverter(ring *seal.Ring) converter.DataConverter {
	return converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), New(ring))
}

// FailureConverter seals the messages and stack traces of errors, too.
func FailureConverter(ring *seal.Ring) converter.FailureConverter {
	return temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter: DataConverter(ring), EncodeCommonAttributes: true,
	})
}

// Handler is the codec server that the Temporal UI asks for plain payloads: POST …/encode and …/decode. It knows no
// callers; whoever mounts it puts authentication before it.
func Handler(ring *seal.Ring) http.Handler { return converter.NewPayloadCodecHTTPHandler(New(ring)) }
