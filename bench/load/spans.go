package load

import (
	"math"
	"math/rand/v2"
	"strconv"
)

// appendSpans appends an ExportTraceServiceRequest.
func (l Load) appendSpans(b []byte, n int) []byte {
	m, r := message(b), l.source(n, 2)
	for t := range Rows / spansPerTrace {
		l.trace(&m, r, n, n*Rows/spansPerTrace+t)
	}
	return m
}

// trace writes ten spans, the first of them the root, each of a service of its own.
func (l Load) trace(m *message, r *rand.Rand, n, number int) {
	trace, at := l.Trace(number), l.at(r, n, l.Spans)
	var parent []byte
	for depth := range spansPerTrace {
		service := 0
		if depth > 0 {
			service = busy(r)
		}
		resourceSpans := m.open(1)
		m.bytes(1, encoded[service][r.IntN(pods)])
		scopeSpans := m.open(2)
		scope := m.open(1)
		m.text(1, "otelhttp")
		m.text(2, "0.60.0")
		m.close(scope)
		id := span(r)
		duration := uint64(math.Exp(r.NormFloat64()+2.5) * 1e6)
		one := m.open(2)
		m.bytes(1, trace[:])
		m.bytes(2, id[:])
		if parent != nil {
			m.bytes(4, parent)
		}
		m.fixed64(7, at)
		m.fixed64(8, at+duration)
		m.number(6, uint64(2+depth%2)) //nolint:gosec // server or client
		rest(m, r, service, at)
		m.close(one)
		m.close(scopeSpans)
		m.close(resourceSpans)
		if r.IntN(3) > 0 || depth == 0 {
			parent = id[:]
		}
		at += duration / 20
	}
}

// rest writes a span's name, its nine attributes, one error in fifty and one exception in twenty.
func rest(m *message, r *rand.Rand, service int, at uint64) {
	route, status := routes[r.IntN(len(routes))], 200
	m.text(5, "GET "+route)
	if r.IntN(50) == 0 {
		status = 500
		failed := m.open(15)
		m.text(2, "internal error")
		m.number(3, 2)
		m.close(failed)
	}
	m.textValue(9, "http.request.method", "GET")
	m.textValue(9, "http.route", route)
	m.intValue(9, "http.response.status_code", status)
	m.textValue(9, "url.scheme", "http")
	m.textValue(9, "server.address", services[service])
	m.intValue(9, "server.port", 8080)
	m.textValue(9, "network.peer.address", string(appendAddress(nil, r)))
	m.textValue(9, "user_agent.original", "Go-http-client/1.1")
	m.textValue(9, "url.path", "/api/v1/items/"+strconv.Itoa(r.IntN(100_000)))
	if r.IntN(20) == 0 {
		event := m.open(11)
		m.fixed64(1, at)
		m.text(2, "exception")
		m.textValue(3, "exception.type", "io.EOF")
		m.textValue(3, "exception.message", words[r.IntN(len(words))])
		m.close(event)
	}
}
