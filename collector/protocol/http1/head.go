package http1

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/midwatch/midwatch/collector/protocol/tracecontext"
)

// maxHead bounds a request or status line with its headers.
const maxHead = 16 << 10

// head is what matters of a start line and its headers.
type head struct {
	start   string // first line
	length  int64  // Content-Length, -1 without one
	chunked bool
	trace   tracecontext.Headers
}

// cutHead returns the head at the start of b and its length in bytes, or 0 while it is incomplete.
func cutHead(b []byte) (head, int) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return head{}, 0
	}
	return readHead(b[:end]), end + 4
}

// readHead reads a head whose end may be missing; an incomplete last header is ignored by the fields it would set only if it does not parse.
func readHead(b []byte) head {
	first, rest, _ := bytes.Cut(b, []byte("\r\n"))
	h := head{start: string(first), length: -1}
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		h.header(name, bytes.TrimSpace(value))
	}
	return h
}

func (h *head) header(name, value []byte) {
	switch {
	case is(name, "content-length"):
		if n, err := strconv.ParseInt(string(value), 10, 64); err == nil && n >= 0 {
			h.length = n
		}
	case is(name, "transfer-encoding"):
		h.chunked = strings.HasSuffix(strings.ToLower(string(value)), "chunked")
	default:
		h.trace.Add(name, value)
	}
}

// is compares a header's name without allocating.
func is(name []byte, want string) bool {
	return len(name) == len(want) && strings.EqualFold(string(name), want)
}

// request splits a request line. ok is false if it is none.
func (h *head) request() (method, target string, ok bool) {
	method, rest, _ := strings.Cut(h.start, " ")
	i := strings.LastIndexByte(rest, ' ')
	if i <= 0 || !strings.HasPrefix(rest[i+1:], "HTTP/1.") || !isMethod(method) {
		return "", "", false
	}
	return method, rest[:i], true
}

// status reads a status line. ok is false if it is none.
func (h *head) status() (code string, ok bool) {
	if !strings.HasPrefix(h.start, "HTTP/1.") || len(h.start) < len("HTTP/1.1 200") {
		return "", false
	}
	code = h.start[len("HTTP/1.1 "):len("HTTP/1.1 200")]
	if code[0] < '1' || code[0] > '9' || strings.Trim(code, "0123456789") != "" {
		return "", false
	}
	return code, true
}

// isMethod accepts what RFC 9110 and WebDAV name; anything else is more likely another protocol.
func isMethod(s string) bool {
	switch s {
	case "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT",
		"PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "PURGE":
		return true
	}
	return false
}

// Recognize tells whether b starts with a request line, as far as it goes.
func Recognize(b []byte) bool {
	method, _, ok := bytes.Cut(b[:min(len(b), 16)], []byte(" "))
	if !ok || !isMethod(string(method)) {
		return false
	}
	line, _, whole := bytes.Cut(b, []byte("\r\n"))
	if !whole {
		return len(b) > len(method)+1 // the line goes on in the next segment
	}
	_, _, ok = (&head{start: string(line)}).request()
	return ok
}

// path cuts query string, fragment, scheme and authority off a request target.
func path(target string) string {
	if i := strings.IndexAny(target, "?#"); i >= 0 {
		target = target[:i]
	}
	if i := strings.Index(target, "://"); i >= 0 {
		rest := target[i+3:]
		slash := strings.IndexByte(rest, '/')
		if slash < 0 {
			return "/"
		}
		target = rest[slash:]
	}
	return target
}
