package http1_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/http1"
)

// turn is bytes of one direction, and a hole after them.
type turn struct {
	dir  protocol.Direction
	data string
	hole int64
}

// outcome is what a test compares of a call.
type outcome struct {
	Op, Route, Status, ErrorType string
	Start, First, End            int // index of the turn
	Req, Resp                    int64
}

func run(turns []turn, closed bool) (got []outcome, ok bool) {
	epoch := time.Unix(1000, 0)
	at := func(i int) time.Time { return epoch.Add(time.Duration(i) * time.Second) }
	p := http1.New(func(c protocol.Call) {
		start := int(c.Start.Sub(epoch) / time.Second)
		o := outcome{Op: c.Operation, Route: c.Resource, Status: c.Status, ErrorType: c.ErrorType, Start: start, End: start + int(c.Duration/time.Second), Req: c.RequestBytes, Resp: c.ResponseBytes}
		if c.FirstByte > 0 {
			o.First = start + int(c.FirstByte/time.Second)
		}
		got = append(got, o)
	})
	for i, t := range turns {
		if t.data != "" && !p.Data(t.dir, at(i), []byte(t.data)) {
			return got, false
		}
		if t.hole > 0 && !p.Hole(t.dir, at(i), t.hole) {
			return got, false
		}
	}
	if closed {
		p.Close(at(len(turns)))
	}
	return got, true
}

func TestParser(t *testing.T) {
	const q, a = protocol.Request, protocol.Response
	const get = "GET /items/17?x=1 HTTP/1.1\r\nHost: a\r\n\r\n" // 39 bytes
	const ok0 = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"  // 38 bytes
	cases := []struct {
		name   string
		turns  []turn
		closed bool
		gaveUp bool
		want   []outcome
	}{
		{
			name: "keep-alive", turns: []turn{{q, get, 0}, {a, ok0, 0}, {q, get, 0}, {a, ok0, 0}},
			want: []outcome{{"GET", "/items/{id}", "200", "", 0, 1, 1, 39, 38}, {"GET", "/items/{id}", "200", "", 2, 3, 3, 39, 38}},
		},
		{
			name: "pipelined", turns: []turn{{q, get + get, 0}, {a, ok0, 0}, {a, ok0, 0}},
			want: []outcome{{"GET", "/items/{id}", "200", "", 0, 1, 1, 39, 38}, {"GET", "/items/{id}", "200", "", 0, 2, 2, 39, 38}},
		},
		{
			name: "bodies in pieces", turns: []turn{{q, "POST /o HTTP/1.1\r\nContent-Le", 0}, {q, "ngth: 5\r\n\r\nab", 0}, {q, "cde", 0}, {a, "HTTP/1.1 201 Created\r\ncontent-length: 3\r\n\r\na", 0}, {a, "bc", 0}},
			want: []outcome{{"POST", "/o", "201", "", 0, 3, 4, 44, 46}},
		},
		{
			name: "body in a hole", turns: []turn{{q, get, 0}, {a, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", 400}, {a, "", 600}, {q, get, 0}, {a, ok0, 0}},
			want: []outcome{{"GET", "/items/{id}", "200", "", 0, 1, 2, 39, 1041}, {"GET", "/items/{id}", "200", "", 3, 4, 4, 39, 38}},
		},
		{
			name: "chunked", turns: []turn{{q, get, 0}, {a, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 0}, {a, "0\r\n\r\n", 0}},
			want: []outcome{{"GET", "/items/{id}", "200", "", 0, 1, 2, 39, 60}},
		},
		{
			name: "chunked, lost and found at its end", turns: []turn{{q, get, 0}, {a, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 500}, {a, "xyz\r\n0\r\n\r\n", 0}, {q, get, 0}, {a, ok0, 0}},
			want: []outcome{{"GET", "/items/{id}", "200", "", 0, 1, 2, 39, 55}, {"GET", "/items/{id}", "200", "", 3, 4, 4, 39, 38}},
		},
		{
			name: "chunked, lost until the next request", turns: []turn{{q, get, 0}, {a, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 500}, {q, get, 0}, {a, ok0, 0}},
			want: []outcome{{"GET", "/items/{id}", "200", "", 0, 1, 1, 39, 55}, {"GET", "/items/{id}", "200", "", 2, 3, 3, 39, 38}},
		},
		{
			name: "until close", closed: true, turns: []turn{{q, get, 0}, {a, "HTTP/1.0 200 OK\r\n\r\nbody", 0}, {a, "more", 0}},
			want: []outcome{{"GET", "/items/{id}", "200", "", 0, 1, 2, 39, 27}},
		},
		{
			name: "100-continue", turns: []turn{{q, "PUT /o HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", 0}, {a, "HTTP/1.1 100 Continue\r\n\r\n", 0}, {q, "ab", 0}, {a, ok0, 0}},
			want: []outcome{{"PUT", "/o", "200", "", 0, 1, 3, 62, 38}},
		},
		{
			name: "HEAD has no body", turns: []turn{{q, "HEAD / HTTP/1.1\r\n\r\n", 0}, {a, "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", 0}, {q, get, 0}, {a, ok0, 0}},
			want: []outcome{{"HEAD", "/", "200", "", 0, 1, 1, 19, 40}, {"GET", "/items/{id}", "200", "", 2, 3, 3, 39, 38}},
		},
		{
			name: "answered before the request ended", turns: []turn{{q, "POST /o HTTP/1.1\r\nContent-Length: 900\r\n\r\n", 0}, {a, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", 0}, {q, "x", 899}, {q, get, 0}, {a, ok0, 0}},
			want: []outcome{{"POST", "/o", "413", "", 0, 1, 1, 941, 45}, {"GET", "/items/{id}", "200", "", 3, 4, 4, 39, 38}},
		},
		{
			name: "closed before the answer", closed: true, turns: []turn{{q, get, 0}},
			want: []outcome{{"GET", "/items/{id}", "", "connection_closed", 0, 0, 1, 39, 0}},
		},
		{
			name: "closed within the answer", closed: true, turns: []turn{{q, get, 0}, {a, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab", 0}},
			want: []outcome{{"GET", "/items/{id}", "200", "connection_closed", 0, 1, 2, 39, 49}},
		},
		{
			name: "head cut by a hole", turns: []turn{{q, "GET /a HTTP/1.1\r\nCookie: x", 9000}, {a, ok0, 0}, {q, get, 0}, {a, ok0, 0}},
			want: []outcome{{"GET", "/a", "200", "", 0, 1, 1, 0, 38}, {"GET", "/items/{id}", "200", "", 2, 3, 3, 39, 38}},
		},
		{
			name: "upgrade", gaveUp: true, turns: []turn{{q, "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", 0}, {a, "HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x05hello", 0}},
			want: []outcome{{"GET", "/ws", "101", "", 0, 1, 1, 40, 36}},
		},
		{name: "not HTTP", gaveUp: true, turns: []turn{{q, "EHLO there\r\n\r\n", 0}}},
		{name: "answer is not HTTP", gaveUp: true, turns: []turn{{q, get, 0}, {a, "garbage\r\n\r\n", 0}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, ok := run(c.turns, c.closed)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if ok == c.gaveUp {
				t.Errorf("gave up: %t, want %t", !ok, c.gaveUp)
			}
		})
	}
}

func TestRecognize(t *testing.T) {
	for in, want := range map[string]bool{
		"GET / HTTP/1.1\r\n":      true,
		"POST /a b HTTP/1.0\r\nX": true,
		"GET /still-going":        true,
		"GET / HTTP/2.0\r\n":      false,
		"PRI * HTTP/2.0\r\n\r\n":  false,
		"HTTP/1.1 200 OK\r\n":     false,
		"GET ":                    false,
		"*1\r\n$4\r\nPING\r\n":    false,
		"":                        false,
	} {
		if got := http1.Recognize([]byte(in)); got != want {
			t.Errorf("Recognize(%q) = %t", in, got)
		}
	}
}

// TestTrace: a request is of the trace that its headers name.
func TestTrace(t *testing.T) {
	const w3c, b3 = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1"
	for header, want := range map[string]string{"Traceparent: " + w3c: w3c, "b3: " + b3 + "-1": "00-" + b3 + "-01", "X-Other: " + w3c: ""} {
		var got []string
		p := http1.New(func(c protocol.Call) { got = append(got, c.TraceParent) })
		p.Data(protocol.Request, time.Unix(1, 0), []byte("GET / HTTP/1.1\r\nHost: shop\r\n"+header+"\r\n\r\n"))
		p.Data(protocol.Response, time.Unix(2, 0), []byte("HTTP/1.1 204 No Content\r\n\r\n"))
		if len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q", header, got)
		}
	}
}
