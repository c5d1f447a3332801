package http2

import (
	"strconv"
	"strings"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// statusNames are the names of gRPC's status codes, by code.
var statusNames = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
	"FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

// statusName is a code's name. Codes without one count as unknown, as in the libraries.
func statusName(code int) string {
	if code < 0 || code >= len(statusNames) {
		code = int(codes.Unknown)
	}
	return statusNames[code]
}

// rpcStatus says how a call of gRPC ended. It returns false if that is not known and may be an error.
func (s *stream) rpcStatus() bool {
	switch {
	case s.answer.grpcStatus != "":
		s.fail(readStatus(s.answer.grpcStatus))
		return true
	case s.answer.unknown || s.uncertain:
		return s.data
	case !isStatus(s.answer.status):
		return false
	}
	s.fail(statusOfHTTP(s.answer.status))
	return true
}

func (s *stream) fail(code int) {
	s.call.Status = strconv.Itoa(code)
	if code == int(codes.OK) {
		return
	}
	s.call.Failed, s.call.ErrorType = true, statusName(code)
	s.call.Error = template.Message(percentDecoded(s.answer.grpcMessage), protocol.MaxError)
}

// readStatus reads a grpc-status. What is no number is unknown, as in the libraries.
func readStatus(s string) int {
	const most = 9999
	code, err := strconv.Atoi(s)
	if err != nil || code < 0 || code > most {
		return int(codes.Unknown)
	}
	return code
}

// statusOfHTTP is what an answer without a grpc-status means (grpc/doc/http-grpc-status-mapping.md).
func statusOfHTTP(status string) int {
	code := codes.Unknown
	switch status {
	case "400":
		code = codes.Internal
	case "401":
		code = codes.Unauthenticated
	case "403":
		code = codes.PermissionDenied
	case "404":
		code = codes.Unimplemented
	case "429", "502", "503", "504":
		code = codes.Unavailable
	}
	return int(code)
}

// statusOfReset is what a stream's end means that was broken off (grpc/doc/PROTOCOL-HTTP2.md).
func statusOfReset(code http2.ErrCode) int {
	switch code {
	case http2.ErrCodeRefusedStream:
		return int(codes.Unavailable)
	case http2.ErrCodeCancel:
		return int(codes.Canceled)
	case http2.ErrCodeEnhanceYourCalm:
		return int(codes.ResourceExhausted)
	case http2.ErrCodeInadequateSecurity:
		return int(codes.PermissionDenied)
	}
	return int(codes.Internal)
}

// percentDecoded decodes a grpc-message. Escapes that are none stay, as in the libraries.
func percentDecoded(s string) string {
	const most = 4 * protocol.MaxError
	s = s[:min(len(s), most)]
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
