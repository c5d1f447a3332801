package tracecontext_test

import (
	"strings"
	"testing"

	"github.com/midwatch/midwatch/collector/protocol/tracecontext"
)

func TestTraceParent(t *testing.T) {
	const (
		w3c   = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
		trace = "80f198ee56343ba864fe8b2a57d3eff7"
		span  = "E457b5a2e4d86bd1"
		is    = "00-80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-01"
	)
	for name, c := range map[string]struct {
		headers []string
		want    string
	}{
		"none":                    {nil, ""},
		"others":                  {[]string{"tracestate", "a=b", "b", "x"}, ""},
		"W3C":                     {[]string{"Traceparent", w3c}, w3c},
		"W3C and B3":              {[]string{"b3", trace + "-" + span, "TRACEPARENT", w3c}, w3c},
		"B3":                      {[]string{"B3", trace + "-" + span + "-1-05e3ac9a4f6e3b90"}, is},
		"B3 without more":         {[]string{"b3", trace + "-" + span}, is},
		"B3 of 64 bits":           {[]string{"b3", trace[16:] + "-" + span + "-d"}, "00-0000000000000000" + trace[16:] + "-e457b5a2e4d86bd1-01"},
		"B3 that is not sampled":  {[]string{"b3", "0"}, ""},
		"B3 in several":           {[]string{"X-B3-TraceId", trace, "x-b3-spanid", span, "X-B3-Sampled", "1"}, is},
		"a trace without a span":  {[]string{"X-B3-TraceId", trace}, ""},
		"B3 that is no number":    {[]string{"b3", strings.Repeat("z", 32) + "-" + span}, ""},
		"B3 of another length":    {[]string{"b3", trace + "ab-" + span}, ""},
		"more than any value has": {[]string{"traceparent", w3c + strings.Repeat("-", 100)}, ""},
	} {
		var h tracecontext.Headers
		for i := 0; i < len(c.headers); i += 2 {
			h.Add([]byte(c.headers[i]), []byte(c.headers[i+1]))
		}
		if got := h.TraceParent(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
