package trace

import (
	"encoding/hex"
	"math/rand/v2"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Identity is a span's place in a trace. Without a parent it is the first of its trace that is known.
type Identity struct {
	Trace        pcommon.TraceID
	Span, Parent pcommon.SpanID
}

// Root is the identity of the first span of a trace.
func Root() (id Identity) {
	a, b := random(), random()
	copy(id.Trace[:8], a[:])
	copy(id.Trace[8:], b[:])
	id.Span = random()
	return id
}

// Below is the identity of a new span below one.
func (i Identity) Below() Identity { return Identity{Trace: i.Trace, Span: random(), Parent: i.Span} }

// Carried is the identity of a call whose request carried a W3C traceparent of any version: version-trace-parent-flags. It names the trace and the span the call was made under:
// true at both ends, and of a proxy that passes the header on unread. ok is false if that is none.
func Carried(traceparent string) (id Identity, ok bool) {
	parts := strings.Split(traceparent, "-")
	if len(parts) < 4 || len(parts[0]) != 2 || parts[0] == "ff" || len(parts[1]) != 32 || len(parts[2]) != 16 {
		return Identity{}, false
	}
	if _, err := hex.Decode(id.Trace[:], []byte(parts[1])); err != nil || id.Trace.IsEmpty() {
		return Identity{}, false
	}
	if _, err := hex.Decode(id.Parent[:], []byte(parts[2])); err != nil || id.Parent.IsEmpty() {
		return Identity{}, false
	}
	id.Span = random()
	return id, true
}

func random() (b [8]byte) {
	for n, i := rand.Uint64(), 0; i < len(b); i++ {
		b[i] = byte(n >> (8 * i))
	}
	return b
}
