package trace_test

import (
	"testing"

	"github.com/midwatch/midwatch/collector/trace"
)

func TestCarried(t *testing.T) {
	for header, want := range map[string]string{
		traceparent: "00f067aa0ba902b7",
		"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more": "00f067aa0ba902b7",
		"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01":      "",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01":      "",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01":      "",
		"00-zzz92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01":      "",
		"garbage": "",
	} {
		id, ok := trace.Carried(header)
		if ok != (want != "") || id.Parent.String() != want || ok && (id.Trace.String() != "4bf92f3577b34da6a3ce929d0e0e4736" || id.Span.IsEmpty()) {
			t.Errorf("%s: %t %+v", header, ok, id)
		}
	}
}
