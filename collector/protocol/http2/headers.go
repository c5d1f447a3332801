package http2

import (
	"golang.org/x/net/http2/hpack"

	"github.com/midwatch/midwatch/collector/protocol/tracecontext"
)

// headers are what matters of one header block. What a block does not have is empty.
type headers struct {
	method, path, status    string
	contentType             string
	grpcStatus, grpcMessage string
	trace                   tracecontext.Headers
	unknown                 bool // there are fields of which nothing is known
}

func (h *headers) add(f hpack.HeaderField) {
	switch f.Name {
	case "":
		h.unknown = true
	case ":method":
		h.method = f.Value
	case ":path":
		h.path = f.Value
	case ":status":
		h.status = f.Value
	case "content-type":
		h.contentType = f.Value
	case "grpc-status":
		h.grpcStatus = f.Value
	case "grpc-message":
		h.grpcMessage = f.Value
	default:
		h.trace.Add([]byte(f.Name), []byte(f.Value))
	}
}
