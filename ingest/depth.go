package ingest

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/midwatch/midwatch/ingest/wire"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// The decoder recurses once per nested attribute value and Go cannot survive a stack overflow, nor a process all memory: a request is walked first.
const (
	maxValueDepth = 64      // values within values
	maxJSONDepth  = 256     // brackets: a value costs three, its place in the request ten
	maxMessages   = 2 << 20 // of a request, values included: more than fit 16 MiB of telemetry that says something
)

// message says which fields of an OTLP message lead to attribute values.
type message map[protowire.Number]*message

// shapes are the requests of the signals. Only what may hold a value, or come in millions, appears.
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
			11: {1: {7: keyValue, 6: {}}},
		}),
		// Attributes of profiles and of their samples are in the dictionary.
		telemetry.Profiles: {1: {1: {1: keyValue}, 2: {1: {3: keyValue}, 2: {1: {}, 2: {}}}}, 2: {
			1: {}, 2: {3: {}}, 3: {}, 4: {}, 5: {}, 6: keyValue, 7: {},
		}},
	}
}

// errMany means that a request has more messages than it may: one of two bytes takes two hundred in memory.
var errMany = errors.New("too many records, points or attributes in one request: send smaller ones")

// shaped says whether a request may be read: nested no deeper than maxValueDepth, and of no more than maxMessages. What it cannot read is left to
// the decoder. It returns how many they are.
func shaped(q request) (messages int, err error) {
	left := maxMessages
	if q.json {
		err = shapedJSON(q.body, &left)
		return maxMessages - left, err
	}
	const above = 8 // messages between a request and its deepest attribute
	err = walk(shapes[q.signal], q.body, above+2*maxValueDepth, &left)
	return maxMessages - left, err
}

func walk(m *message, b []byte, depth int, left *int) error {
	if depth == 0 {
		return wire.ErrDeep
	}
	if *left--; *left < 0 {
		return errMany
	}
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil
		}
		b = b[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(field, kind, b); n < 0 {
				return nil
			}
			b = b[n:]
			continue
		}
		inner, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return nil
		}
		if child, ok := (*m)[field]; ok {
			if err := walk(child, inner, depth-1, left); err != nil {
				return err
			}
		}
		b = b[n:]
	}
	return nil
}

// shapedJSON counts brackets.
func shapedJSON(b []byte, left *int) error {
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
				return wire.ErrDeep
			}
			if *left--; *left < 0 {
				return errMany
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}
