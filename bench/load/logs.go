package load

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
)

// appendLogs appends an ExportLogsServiceRequest.
func (l Load) appendLogs(b []byte, n int) []byte {
	m, r := message(b), l.source(n, 1)
	for range Rows / perResource {
		resourceLogs := m.open(1)
		m.bytes(1, encoded[busy(r)][r.IntN(pods)])
		scopeLogs := m.open(2)
		scope := m.open(1)
		m.text(1, "log/slog")
		m.text(2, "1.0.0")
		m.close(scope)
		for range perResource {
			record := m.open(2)
			l.record(&m, r, n)
			m.close(record)
		}
		m.close(scopeLogs)
		m.close(resourceLogs)
	}
	return m
}

// encoded are the resources, once for all.
var encoded = newResources()

// severity is a level of logs and how much of them has it.
type severity struct {
	number uint64
	text   string
	upTo   float64
}

var severities = [...]severity{{17, "ERROR", 0.02}, {13, "WARN", 0.07}, {5, "DEBUG", 0.27}, {9, "INFO", 1}}

func draw(r *rand.Rand) severity {
	p := r.Float64()
	for _, s := range severities {
		if p < s.upTo {
			return s
		}
	}
	return severities[len(severities)-1]
}

// record writes a LogRecord: a body of 150 to 300 bytes and 8 to 12 attributes; six in ten are of a trace.
func (l Load) record(m *message, r *rand.Rand, n int) {
	at, s := l.at(r, n, l.Logs), draw(r)
	m.fixed64(1, at)
	m.fixed64(11, at+1e6)
	m.number(2, s.number)
	m.text(3, s.text)
	route, status, user := routes[r.IntN(len(routes))], 200, r.IntN(50_000)
	if s.text == "ERROR" {
		status = 500 + r.IntN(4)
	}
	millis := math.Round(math.Exp(r.NormFloat64()*0.8+2.5)*1000) / 1000
	body := m.open(5)
	text := m.open(1)
	*m = appendBody(*m, r, route, status, user, millis)
	m.close(text)
	m.close(body)
	m.textValue(6, "http.request.method", "GET")
	m.textValue(6, "http.route", route)
	m.intValue(6, "http.response.status_code", status)
	m.doubleValue(6, "duration_ms", millis)
	m.textValue(6, "user.id", strconv.Itoa(user))
	m.textValue(6, "log.file.name", "app.log")
	m.textValue(6, "code.function.name", "handler"+strconv.Itoa(r.IntN(40)))
	m.textValue(6, "thread.id", strconv.Itoa(r.IntN(64)))
	for k := range r.IntN(5) {
		m.textValue(6, "app.attr"+strconv.Itoa(k), words[r.IntN(len(words))])
	}
	if r.IntN(10) < 6 {
		trace, id := l.Trace(r.IntN(max(1, l.Logs/spansPerTrace))), span(r)
		m.bytes(9, trace[:])
		m.bytes(10, id[:])
		m.fixed32(8, 1) // sampled
	}
}

func appendBody(b message, r *rand.Rand, route string, status, user int, millis float64) message {
	start := len(b)
	b = fmt.Appendf(b, "%s %s %d %.3fms user=%d request_id=", methods[r.IntN(len(methods))], route, status, millis, user)
	b = appendHex(b, r, 32)
	b = append(b, " remote="...)
	b = append(appendAddress(b, r), ':')
	for want := 150 + r.IntN(150); len(b)-start < want; {
		b = append(append(b, ' '), words[r.IntN(len(words))]...)
	}
	if r.IntN(100_000) == 0 {
		b = append(append(b, ' '), Needle...)
	}
	return b
}

func appendAddress(b []byte, r *rand.Rand) []byte {
	b = append(b, "10."...)
	b = append(strconv.AppendInt(b, int64(r.IntN(4)), 10), '.')
	b = append(strconv.AppendInt(b, int64(r.IntN(256)), 10), '.')
	return strconv.AppendInt(b, int64(r.IntN(256)), 10)
}
