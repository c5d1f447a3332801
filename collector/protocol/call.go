package protocol

import "time"

// Name is the name of a protocol.
type Name string

// The protocols that are understood.
const (
	HTTP       Name = "http"
	PostgreSQL Name = "postgresql"
	Redis      Name = "redis"
)

// Values of Call.ErrorType that come from the connection; the rest come from the protocol (a status, a SQLSTATE, a word).
const (
	ConnectionClosed = "connection_closed" // before the answer was complete
)

// Call is one request and its answer, seen at one end of a connection. Every text is templated: literals, ids and
// values are gone. Fields that a protocol does not have are empty.
type Call struct {
	Protocol  Name
	Start     time.Time     // first byte of the request left or arrived
	FirstByte time.Duration // until the first byte of the answer; 0 if there was none
	Duration  time.Duration // until the last byte of the answer, or until the connection closed

	Operation string // GET; SELECT; SET
	Resource  string // HTTP: route, as /items/{id}; PostgreSQL: table, where one is certain
	Path      string // HTTP: path without the query string
	Query     string // SQL with ? for literals; Redis: command and key with digits templated
	Summary   string // SQL: operation and tables, "SELECT orders items"
	Namespace string // PostgreSQL: database, when the connection's start was seen

	Status    string // HTTP: 200; PostgreSQL: SQLSTATE of an error; Redis: first word of an error
	Failed    bool   // PostgreSQL, Redis: an error answer; HTTP: no complete answer (a status is judged by the end it is seen at)
	ErrorType string // when Failed: SQLSTATE, Redis error word, ConnectionClosed
	Error     string // the error's text, templated, at most MaxError bytes

	RequestBytes  int64
	ResponseBytes int64
	TraceParent   string // W3C traceparent of the request, verbatim
}

// MaxError is the most of an error's text that is kept, in bytes.
const MaxError = 256

// Direction is a direction of a connection.
type Direction uint8

// Directions: requests flow from the end that connected to the end that accepted.
const (
	Request Direction = iota
	Response
)
