package http2

import (
	"strings"

	"golang.org/x/net/http2/hpack"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/tracecontext"
)

const contentType = "content-type"

// maxWord bounds values that are a word or two, in bytes.
const maxWord = 64

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
		h.method = kept(f.Value, maxWord)
	case ":path":
		path, _, _ := strings.Cut(f.Value, "?")
		path, _, _ = strings.Cut(path, "#")
		h.path = kept(path, 2*maxPath)
	case ":status":
		h.status = kept(f.Value, maxWord)
	case contentType:
		h.contentType = kept(f.Value, maxWord)
	case "grpc-status":
		h.grpcStatus = kept(f.Value, maxWord)
	case "grpc-message":
		h.grpcMessage = kept(f.Value, 4*protocol.MaxError)
	default:
		h.trace.Add([]byte(f.Name), []byte(f.Value))
	}
}

// kept is the beginning of a value, without the rest in memory: streams may be open for long, and be many.
func kept(s string, max int) string { return strings.Clone(s[:min(len(s), max)]) }
