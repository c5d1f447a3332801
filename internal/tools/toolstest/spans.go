package toolstest

import (
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// conversation makes the client's and the server's span.
func (s *Shop) conversation(at time.Time, took time.Duration, from, to, operation string, failed bool, e Effect) {
	name, attributes := s.describe(to, operation)
	host, port, _ := net.SplitHostPort(s.Address(to))
	attributes[telemetry.ServerAddress], attributes[telemetry.ServerPort] = host, port
	status, errorType := "unset", ""
	switch {
	case failed && attributes[telemetry.DBSystem] != "":
		status, errorType = "error", e.Code
		attributes[telemetry.DBStatus] = e.Code
	case failed:
		code := e.Code
		if code == "" {
			code = "502"
		}
		status, errorType = "error", code
		attributes[telemetry.HTTPStatus] = code
	case attributes[telemetry.DBSystem] == "":
		attributes[telemetry.HTTPStatus] = "200"
	}
	message := ""
	if failed {
		message = e.Message
	}
	s.span(Span{
		Time: at, DurationNS: uint64(took + 150*time.Microsecond), Service: from, Kind: "client", Name: name, Peer: to,
		Status: status, ErrorType: errorType, Message: message, Attributes: attributes,
	})
	s.span(Span{
		Time: at.Add(50 * time.Microsecond), DurationNS: uint64(took), Service: to, Kind: "server", Name: name, Peer: from,
		Status: status, ErrorType: errorType, Message: message, Attributes: attributes,
	})
}

// refused makes the span of a connect that nobody accepted. Nobody listens there, so the peer is not known.
func (s *Shop) refused(at time.Time, from, address string) {
	host, port, _ := net.SplitHostPort(address)
	s.span(Span{
		Time: at, DurationNS: 90_000, Service: from, Kind: "client", Name: "CONNECT " + address, Status: "error",
		ErrorType: "connection_refused", Message: "connection refused",
		Attributes: map[string]string{
			telemetry.ServerAddress: host, telemetry.ServerPort: port, telemetry.NetworkTransport: "tcp", telemetry.ErrorType: "connection_refused",
		},
	})
}

func (s *Shop) span(row Span) {
	s.spanID++
	row.Env, row.Host, row.Instance, row.Version = Environment, Host, s.Instance(row.Service), s.Version[row.Service]
	row.SpanID, row.TraceID = fmt.Sprintf("%016x", s.spanID), fmt.Sprintf("%032x", s.spanID)
	s.spans = append(s.spans, row)
}

// describe is the span's name and protocol attributes.
func (s *Shop) describe(to, operation string) (string, map[string]string) {
	n := s.Names
	switch {
	case to == n.Redis:
		return operation, map[string]string{
			telemetry.DBSystem: "redis", telemetry.DBOperation: operation, telemetry.DBQueryText: operation + " cart:{n}",
		}
	case to == n.Postgres && operation == "INSERT orders":
		return operation, s.sql("INSERT", "orders", "INSERT INTO orders (customer, total) VALUES ($1, $2)")
	case to == n.Postgres && operation == "SELECT by id":
		return "SELECT " + n.Table, s.sql("SELECT", n.Table, fmt.Sprintf("SELECT id, name, price FROM %s WHERE id = $1", n.Table))
	case to == n.Postgres:
		return "SELECT " + n.Table, s.sql("SELECT", n.Table,
			fmt.Sprintf("SELECT p.id, p.name, p.price FROM %s p WHERE p.%s = $1 ORDER BY p.price LIMIT ?", n.Table, n.Column))
	}
	method, route, _ := strings.Cut(operation, " ")
	return operation, map[string]string{telemetry.HTTPMethod: method, telemetry.HTTPRoute: route, telemetry.URLPath: route}
}

func (s *Shop) sql(operation, table, text string) map[string]string {
	return map[string]string{
		telemetry.DBSystem: "postgresql", telemetry.DBNamespace: s.Names.Database, telemetry.DBCollection: table,
		telemetry.DBOperation: operation, telemetry.DBQueryText: text, telemetry.DBQuerySummary: operation + " " + table,
	}
}
