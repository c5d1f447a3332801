package mysql

import (
	"bytes"
	"encoding/binary"

	"github.com/midwatch/midwatch/collector/protocol/tracecontext"
)

// Attributes of queries are parameters with names: how many, how many sets of them (1), which are NULL, that types follow (1), type and name of each, the values.

// maxAttributes is how many are read.
const maxAttributes = 64

// haveAttributes tells whether attributes precede a query's text, where it was not seen whether the two ends agreed on them: no text begins so.
func haveAttributes(b []byte) bool {
	const firstOfText = '\t'
	return len(b) >= 2 && b[0] < firstOfText && b[1] == 1
}

// cutAttributes returns what follows the attributes, nothing if they cannot be read, and the trace that they say.
func cutAttributes(b []byte) (text []byte, trace string) {
	n, b, ok := lengthEncoded(b)
	if !ok || n > maxAttributes || len(b) == 0 || b[0] != 1 {
		return nil, ""
	}
	return cutParameters(b[1:], int(n))
}

// executeTrace is the trace that the attributes of an EXECUTE say: id, flags, how often, then attributes behind the statement's parameters.
func executeTrace(b []byte) string {
	const (
		parameters = 9
		counted    = 0x08 // of the flags: attributes may be there
	)
	if len(b) < parameters || b[4]&counted == 0 {
		return ""
	}
	n, b, ok := lengthEncoded(b[parameters:])
	if !ok || n > maxAttributes {
		return ""
	}
	_, trace := cutParameters(b, int(n))
	return trace
}

// cutParameters reads n parameters with names, and returns what follows them, nothing if they cannot be read.
func cutParameters(b []byte, n int) (after []byte, trace string) {
	if n == 0 {
		return b, ""
	}
	nulls := (n + 7) / 8
	if len(b) <= nulls || b[nulls] != 1 {
		return nil, ""
	}
	isNull, b := b[:nulls], b[nulls+1:]
	kinds, names := make([]byte, n), make([][]byte, n)
	for i := range n {
		if len(b) < 2 {
			return nil, ""
		}
		kinds[i] = b[0]
		var ok bool
		if names[i], b, ok = lengthString(b[2:]); !ok {
			return nil, ""
		}
	}
	var headers tracecontext.Headers
	for i := range n {
		if isNull[i/8]&(1<<(i%8)) != 0 {
			continue
		}
		value, rest, ok := parameter(b, kinds[i])
		if !ok {
			return nil, ""
		}
		b = rest
		headers.Add(names[i], value)
	}
	return b, traceOf(&headers)
}

// Types of parameters whose values have a length that is not told.
const (
	typeTiny     = 0x01
	typeShort    = 0x02
	typeLong     = 0x03
	typeFloat    = 0x04
	typeDouble   = 0x05
	typeNull     = 0x06
	typeLongLong = 0x08
	typeInt24    = 0x09
	typeYear     = 0x0d
)

// parameter cuts a value off b.
func parameter(b []byte, kind byte) (value, rest []byte, ok bool) {
	n := 0
	switch kind {
	case typeNull:
	case typeTiny:
		n = 1
	case typeShort, typeYear:
		n = 2
	case typeLong, typeInt24, typeFloat:
		n = 4
	case typeLongLong, typeDouble:
		n = 8
	default:
		return lengthString(b)
	}
	if len(b) < n {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// lengthEncoded cuts a length-encoded integer off b.
func lengthEncoded(b []byte) (n uint64, rest []byte, ok bool) {
	size := lengthSize(b)
	if size == 0 {
		return 0, nil, false
	}
	if size == 1 {
		return uint64(b[0]), b[1:], true
	}
	var whole [8]byte
	copy(whole[:], b[1:size])
	return binary.LittleEndian.Uint64(whole[:]), b[size:], true
}

// lengthString cuts bytes off b that begin with their length.
func lengthString(b []byte) (s, rest []byte, ok bool) {
	n, b, ok := lengthEncoded(b)
	if !ok || n > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// traceOf is the traceparent of headers, "" if it is none: a value of something else is not to get out.
func traceOf(h *tracecontext.Headers) string {
	trace := []byte(h.TraceParent())
	parts := bytes.Split(trace, []byte{'-'})
	if len(parts) != 4 || len(trace) != len("00-")+32+1+16+len("-01") || len(bytes.Trim(bytes.Join(parts, nil), "0123456789abcdef")) > 0 {
		return ""
	}
	return string(trace)
}
