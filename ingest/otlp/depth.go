package otlp

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
	maxMessages   = 1 << 20 // of a request, values included: more than fit 16 MiB of telemetry that says something
	maxTree       = maxMessages * MessageBytes
)

// What a request takes while OpenTelemetry's library reads it, about, in bytes.
const (
	MessageBytes = 200 // a message
	numberBytes  = 8   // for each byte of numbers that are packed
	commaBytes   = 16  // of JSON
)

// message says which fields of an OTLP message lead to attribute values, or are messages that may come in millions.
type message map[protowire.Number]*message

// numbers, as a field, says that the others may be packed numbers.
const numbers protowire.Number = 0

// shapes are the requests of the signals. Only what may hold a value, or come in millions, appears; 1000 is what scopes were before OTLP 1.0.
var shapes = makeShapes()

func makeShapes() map[telemetry.Signal]*message {
	value, keyValue := &message{}, &message{}
	*keyValue = message{2: value}
	*value = message{5: {1: value}, 6: {1: keyValue}}
	request := func(record *message) *message {
		resource := &message{1: keyValue, 3: {3: {}, 4: {}}}
		scoped := &message{1: {3: keyValue}, 2: record}
		return &message{1: {1: resource, 2: scoped, 1000: scoped}}
	}
	number := &message{1: {7: keyValue, 5: {7: keyValue}}}
	return map[telemetry.Signal]*message{
		telemetry.Traces: request(&message{9: keyValue, 11: {3: keyValue}, 13: {4: keyValue}}),
		telemetry.Logs:   request(&message{5: value, 6: keyValue}),
		telemetry.Metrics: request(&message{
			5: number, 7: number, 12: keyValue,
			9:  {1: {9: keyValue, 8: {7: keyValue}}},
			10: {1: {1: keyValue, 8: {numbers: {}}, 9: {numbers: {}}, 11: {7: keyValue}}},
			11: {1: {7: keyValue, 6: {}}},
		}),
		// Attributes of profiles and of their samples are in the dictionary.
		telemetry.Profiles: {1: {1: {1: keyValue, 3: {3: {}, 4: {}}}, 2: {1: {3: keyValue}, 2: {numbers: {}, 1: {}, 2: {numbers: {}}}}}, 2: {
			1: {numbers: {}}, 2: {numbers: {}, 3: {}}, 3: {}, 4: {}, 5: {}, 6: keyValue, 7: {numbers: {}},
		}},
	}
}

// ErrMany means that a request has more messages than it may: one of two bytes takes two hundred in memory.
var ErrMany = errors.New("too many records, points or attributes in one request: send smaller ones")

// shaped says whether a request may be read: nested no deeper than maxValueDepth, and no larger than maxTree when it is read, which it returns, in
// bytes. What it cannot read is left to the decoder.
func shaped(q Request) (size int, err error) {
	left := maxTree
	if q.JSON {
		err = shapedJSON(q.Body, &left)
		return maxTree - left + 2*len(q.Body), err // the texts, and all of it as protobuf
	}
	const above = 8 // messages between a request and its deepest attribute
	err = walk(shapes[q.Signal], q.Body, above+2*maxValueDepth, &left)
	return maxTree - left + len(q.Body), err
}

func walk(m *message, b []byte, depth int, left *int) error {
	if depth == 0 {
		return wire.ErrDeep
	}
	if *left -= MessageBytes; *left < 0 {
		return ErrMany
	}
	_, packed := (*m)[numbers]
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil
		}
		b = b[n:]
		if n = protowire.ConsumeFieldValue(field, kind, b); n < 0 {
			return nil
		}
		child, ok := (*m)[field]
		switch {
		case ok && kind == protowire.BytesType:
			inner, _ := protowire.ConsumeBytes(b)
			if err := walk(child, inner, depth-1, left); err != nil {
				return err
			}
		case packed:
			*left -= numberBytes * n
		}
		b = b[n:]
	}
	return nil
}

// shapedJSON counts brackets and commas.
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
			*left -= MessageBytes
		case c == '}' || c == ']':
			depth--
		case c == ',':
			*left -= commaBytes
		}
		if *left < 0 {
			return ErrMany
		}
	}
	return nil
}
