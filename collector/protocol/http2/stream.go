package http2

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http2"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// maxPath bounds Call.Path, in bytes.
const maxPath = 256

// stream is one request and its answer.
type stream struct {
	call  protocol.Call
	asked bool // the request's headers were read; else only its answer has begun
	kind  kind

	answer      headers // the answer's first headers and its trailers, as far as they are known
	answered    bool    // its first headers came
	data        bool    // something of a body came
	ended       bool    // all of it came
	first, last time.Time

	uncertain bool // some of it may have been in bytes that are missing
}

// kind is which protocol a stream speaks.
type kind uint8

const (
	undecided kind = iota // its content-type is not known
	plain                 // HTTP
	rpc                   // gRPC
)

// kindOf says what headers tell by their content-type. Requests of gRPC are POST.
func kindOf(h headers) kind {
	switch {
	case isGRPC(h.contentType):
		return rpc
	case h.contentType == "" && h.unknown && (h.method == "" || h.method == "POST"):
		return undecided
	}
	return plain
}

// isGRPC tells by a content-type whether that is what a stream speaks.
func isGRPC(contentType string) bool {
	rest, ok := strings.CutPrefix(contentType, "application/grpc")
	return ok && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// ask takes the headers of the request. It returns false if they do not tell which it is.
func (s *stream) ask(h headers, b block) bool {
	if !isMethod(h.method) || h.method == "CONNECT" || h.path != "*" && !strings.HasPrefix(h.path, "/") {
		return false
	}
	s.asked, s.kind = true, kindOf(h)
	s.call = protocol.Call{
		Protocol:     protocol.HTTP,
		Start:        b.first,
		Offset:       b.offset,
		Operation:    h.method,
		Path:         h.path,
		RequestBytes: b.size,
		TraceParent:  h.trace.TraceParent(),
	}
	return true
}

// respond takes headers of the answer, or its trailers.
func (s *stream) respond(h headers, b block) {
	if len(h.status) == 3 && h.status[0] == '1' && !b.endStream {
		return // an interim answer: the final one follows
	}
	s.answered = s.answered || h.status != "" || !b.endStream
	a := &s.answer
	a.status, a.contentType = cmp.Or(a.status, h.status), cmp.Or(a.contentType, h.contentType)
	a.grpcStatus, a.grpcMessage = cmp.Or(h.grpcStatus, a.grpcStatus), cmp.Or(h.grpcMessage, a.grpcMessage)
	a.unknown = a.unknown || h.unknown
}

// came notes bytes of the answer.
func (s *stream) came(first, last time.Time, size int64) {
	if s.first.IsZero() {
		s.first = first
	}
	s.last = last
	s.call.ResponseBytes += size
}

// answeredCall completes the call of an answer that is whole. It returns false if it is not known which call that was, or how it ended.
func (s *stream) answeredCall() bool {
	if s.first.Before(s.call.Start) || !s.name() { // no answer to this
		return false
	}
	s.until(s.last)
	if s.call.Protocol == protocol.GRPC {
		return s.rpcStatus()
	}
	s.call.Status = s.answer.status
	return isStatus(s.call.Status)
}

// resetCall completes the call of a stream that one end broke off. It returns false if its answer may have come before that.
func (s *stream) resetCall(at time.Time, code http2.ErrCode) bool {
	if s.uncertain || !s.name() {
		return false
	}
	s.until(at)
	s.call.Failed, s.call.ErrorType = true, code.String()
	s.call.Error = "the stream was reset: " + code.String()
	if s.call.Protocol == protocol.GRPC {
		status := statusOfReset(code)
		s.call.Status, s.call.ErrorType = strconv.Itoa(status), statusName(status)
	}
	return true
}

// closedCall completes the call of a stream that was open when the connection closed.
func (s *stream) closedCall(at time.Time) bool {
	if s.uncertain || !s.asked || !s.name() {
		return false
	}
	s.until(at)
	s.call.Unanswered(at)
	return true
}

// until times the call. When the answer began is not known where its headers are missing.
func (s *stream) until(at time.Time) {
	s.call.Duration = max(at.Sub(s.call.Start), 0)
	if s.answered {
		s.call.FirstByte = max(s.first.Sub(s.call.Start), 0)
	}
}

// name says what was called. It returns false if that is not known.
func (s *stream) name() bool {
	switch s.decide() {
	case rpc:
		return s.method()
	case plain:
		s.call.Resource, s.call.Path = template.Route(s.call.Path), template.Cut(s.call.Path, maxPath)
		if isStatus(s.answer.status) {
			s.call.Status = s.answer.status
		}
		return true
	}
	return false
}

// decide says which protocol it was: the answer may tell if the request does not.
func (s *stream) decide() kind {
	switch {
	case s.kind != undecided:
		return s.kind
	case s.answer.grpcStatus != "":
		return rpc
	case s.answer.contentType == "":
		return undecided
	}
	return kindOf(s.answer)
}

// method names a call of gRPC. It returns false if its path is none of gRPC's.
func (s *stream) method() bool {
	whole, ok := strings.CutPrefix(s.call.Path, "/")
	slash := strings.LastIndexByte(whole, '/')
	if !ok || slash < 1 || slash == len(whole)-1 || len(whole) >= maxPath || strings.ContainsFunc(whole, unusual) {
		return false
	}
	s.call.Protocol = protocol.GRPC
	s.call.Resource, s.call.Operation, s.call.Summary = whole[:slash], whole[slash+1:], whole
	return true
}

// unusual characters stand in no name of a service or method.
func unusual(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/._-$", r)
}

func isStatus(s string) bool {
	return len(s) == 3 && s[0] >= '1' && s[0] <= '9' && strings.Trim(s, "0123456789") == ""
}

// isMethod accepts what RFC 9110 and WebDAV name, as HTTP/1.1 does.
func isMethod(s string) bool {
	switch s {
	case "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT",
		"PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "PURGE":
		return true
	}
	return false
}
