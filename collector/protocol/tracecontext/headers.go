// Package tracecontext reads which trace a request is of out of its headers, whatever protocol carries them: W3C Trace Context, and B3 in one header or in
// several (github.com/openzipkin/b3-propagation).
package tracecontext

import (
	"strings"
)

// The names that matter, in lower case.
const (
	traceparent = "traceparent"
	b3          = "b3"
	b3Trace     = "x-b3-traceid"
	b3Span      = "x-b3-spanid"
)

// longest is as many bytes as any of their values has.
const longest = 128

// Headers are those of one request that say which trace it is of. The zero value is ready.
type Headers struct {
	w3c, single, trace, span string
}

// Add takes a header. Names count in whatever case.
func (h *Headers) Add(name, value []byte) {
	into := h.field(name)
	if into == nil || len(value) > longest {
		return
	}
	*into = string(value)
}

func (h *Headers) field(name []byte) *string {
	switch {
	case is(name, traceparent):
		return &h.w3c
	case is(name, b3):
		return &h.single
	case is(name, b3Trace):
		return &h.trace
	case is(name, b3Span):
		return &h.span
	}
	return nil
}

func is(name []byte, want string) bool {
	return len(name) == len(want) && strings.EqualFold(string(name), want)
}

// TraceParent is a traceparent, of B3 the same said as one, or "" if no header says a trace and a span. W3C's comes first: who sends both means it.
func (h *Headers) TraceParent() string {
	if h.w3c != "" {
		return h.w3c
	}
	trace, span := h.trace, h.span
	if parts := strings.Split(h.single, "-"); len(parts) >= 2 {
		trace, span = parts[0], parts[1]
	}
	const long, short = 32, 16
	if len(trace) == short {
		trace = strings.Repeat("0", long-short) + trace
	}
	if !hexadecimal(trace, long) || !hexadecimal(span, short) {
		return ""
	}
	return "00-" + strings.ToLower(trace) + "-" + strings.ToLower(span) + "-01"
}

func hexadecimal(s string, size int) bool {
	return len(s) == size && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}
