package nats

import (
	"bytes"
	"strings"

	"github.com/midwatch/midwatch/collector/protocol/tracecontext"
)

// header is what matters of a message's headers.
type header struct {
	code, reason string // of the status that a server gives instead of a message: 503, no responders
	errorCode    string // of an error that a service replies with (github.com/nats-io/nats.go/micro)
	errorText    string
	trace        tracecontext.Headers
}

// readHeader reads headers of which the end may be missing.
func readHeader(b []byte) (h header) {
	first, rest, _ := bytes.Cut(b, []byte("\r\n"))
	status, versioned := bytes.CutPrefix(first, []byte("NATS/1.0"))
	if !versioned {
		return h
	}
	if status := strings.TrimSpace(string(status)); len(status) >= 3 && strings.Trim(status[:3], "0123456789") == "" {
		h.code, h.reason = status[:3], strings.TrimSpace(status[3:])
	}
	for len(rest) > 0 {
		var text []byte
		var ended bool
		if text, rest, ended = bytes.Cut(rest, []byte("\r\n")); !ended {
			break
		}
		if name, value, ok := bytes.Cut(text, []byte(":")); ok {
			h.add(name, bytes.TrimSpace(value))
		}
	}
	return h
}

func (h *header) add(name, value []byte) {
	switch {
	case strings.EqualFold(string(name), "Nats-Service-Error-Code"):
		h.errorCode = string(value)
	case strings.EqualFold(string(name), "Nats-Service-Error"):
		h.errorText = string(value)
	default:
		h.trace.Add(name, value)
	}
}
