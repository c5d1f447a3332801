package receive

import (
	"encoding/json"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// partialSuccess is an OTLP export response in protobuf. The three signals' responses have the same fields:
// 1 partial_success {1 rejected (int64), 2 error_message (string)}. It is empty when all was stored.
func partialSuccess(rejected int64, why string) []byte {
	if rejected == 0 && why == "" {
		return nil
	}
	var inner []byte
	inner = protowire.AppendTag(inner, 1, protowire.VarintType)
	inner = protowire.AppendVarint(inner, uint64(rejected))
	inner = protowire.AppendTag(inner, 2, protowire.BytesType)
	inner = protowire.AppendString(inner, why)
	out := protowire.AppendTag(nil, 1, protowire.BytesType)
	return protowire.AppendBytes(out, inner)
}

// partialSuccessJSON is the same in OTLP's JSON; field names the rejected records of the signal.
func partialSuccessJSON(field string, rejected int64, why string) []byte {
	type partial map[string]string // int64 is a string in protobuf's JSON
	answer := struct {
		PartialSuccess partial `json:"partialSuccess,omitempty"`
	}{}
	if rejected > 0 || why != "" {
		answer.PartialSuccess = partial{field: strconv.FormatInt(rejected, 10), "errorMessage": why}
	}
	b, err := json.Marshal(answer)
	if err != nil {
		return []byte("{}") // cannot happen: strings always marshal
	}
	return b
}
