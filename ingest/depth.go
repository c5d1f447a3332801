package ingest

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// The decoder recurses once per nested attribute value and Go cannot survive a stack overflow, so a request is walked first.
const (
	maxValueDepth = 64  // values within values
	maxJSONDepth  = 256 // brackets: a value costs three, its place in the request ten
)

// message says which fields of an OTLP message lead to attribute values.
type message map[protowire.Number]*message

// shapes are the requests of the signals. Only what may hold a value appears.
var shapes = makeShapes()

func makeShapes() map[telemetry.Signal]*message {
	value, keyValue := &message{}, &message{}
	*keyValue = message{2: value}
	*value = message{5: {1: value}, 6: {1: keyValue}}
	request := func(record *message) *message {
		resource := &message{1: keyValue}
		scope := &message{3: keyValue}
		return &message{1: {1: resource, 2: {1: scope, 2: record}}}
	}
	number := &message{1: {7: keyValue, 5: {7: keyValue}}}
	return map[telemetry.Signal]*message{
		telemetry.Traces: request(&message{9: keyValue, 11: {3: keyValue}, 13: {4: keyValue}}),
		telemetry.Logs:   request(&message{5: value, 6: keyValue}),
		telemetry.Metrics: request(&message{
			5: number, 7: number, 12: keyValue,
			9:  {1: {9: keyValue, 8: {7: keyValue}}},
			10: {1: {1: keyValue, 11: {7: keyValue}}},
			11: {1: {7: keyValue}},
		}),
		// Attributes of profiles and of their samples are in the dictionary.
		telemetry.Profiles: {1: {1: {1: keyValue}, 2: {1: {3: keyValue}}}, 2: {6: keyValue}},
	}
}

// deepProto says whether a protobuf request nests values deeper than maxValueDepth. What it cannot read is left to the decoder.
func deepProto(s telemetry.Signal, b []byte) bool {
	const above = 8 // messages between a request and its deepest attribute
	return deeper(shapes[s], b, above+2*maxValueDepth)
}

func deeper(m *message, b []byte, left int) bool {
	if left == 0 {
		return true
	}
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return false
		}
		b = b[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(field, kind, b); n < 0 {
				return false
			}
			b = b[n:]
			continue
		}
		inner, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return false
		}
		if child, ok := (*m)[field]; ok && deeper(child, inner, left-1) {
			return true
		}
		b = b[n:]
	}
	return false
}

// deepJSON says whether brackets nest deeper than maxJSONDepth.
func deepJSON(b []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxJSONDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
