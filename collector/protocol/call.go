package protocol

import "time"

// Name is the name of a protocol, where OpenTelemetry has one for db.system.name, messaging.system or rpc.system that one.
type Name string

// The protocols that are understood.
const (
	HTTP       Name = "http" // 1.x and 2
	GRPC       Name = "grpc"
	PostgreSQL Name = "postgresql"
	MySQL      Name = "mysql"
	Redis      Name = "redis"
	MongoDB    Name = "mongodb"
	Cassandra  Name = "cassandra"
	Memcached  Name = "memcached"
	ClickHouse Name = "clickhouse" // its native protocol
	Kafka      Name = "kafka"
	AMQP       Name = "rabbitmq" // AMQP 0-9-1, under the name of the broker that most mean by it
	NATS       Name = "nats"
	DNS        Name = "dns"
)

// Kind is what the two ends of a call do.
type Kind uint8

// Kinds of calls.
const (
	Asked     Kind = iota // a request, and an answer to it
	Sent                  // a message that a client hands to a broker, which need not answer
	Delivered             // a message that a broker hands to a client that asked for such messages before
)

// Values of Call.ErrorType that come from the connection; the rest come from the protocol (a status, a SQLSTATE, a word).
const (
	ConnectionClosed = "connection_closed" // before the answer was complete
)

// Call is one request and its answer, seen at one end of a connection. Every text is templated: literals, ids and
// values are gone. Fields that a protocol does not have are empty.
type Call struct {
	Protocol  Name
	Kind      Kind
	Start     time.Time     // first byte of the request left or arrived
	FirstByte time.Duration // until the first byte of the answer; 0 if there was none
	Duration  time.Duration // until the last byte of the answer, or until the connection closed

	Operation string // HTTP: GET; SQL: SELECT; Redis: SET; gRPC: the method; messaging: publish, Fetch; DNS: A
	Resource  string // HTTP: route, as /items/{id}; databases: table or collection, where one is certain; gRPC: service; messaging: topic, queue, subject
	Path      string // HTTP, gRPC: path without the query string
	Query     string // SQL with ? for literals; key-value stores: command and key with digits templated
	Summary   string // what the span is called, where that is not "Operation Resource": SELECT orders items; shop.Cart/GetCart
	Namespace string // databases: database or keyspace, when it was seen; AMQP: virtual host
	Messages  int    // messaging: how many, where that is known

	Status    string // HTTP: 200; gRPC: 5; databases: code of an error; Redis: first word of an error; DNS: NXDOMAIN
	Failed    bool   // an error answer; HTTP: no complete answer (a status is judged by the end it is seen at)
	ErrorType string // when Failed: SQLSTATE, Redis error word, NOT_FOUND, ConnectionClosed
	Error     string // the error's text, templated, at most MaxError bytes

	RequestBytes  int64
	ResponseBytes int64
	Offset        int64  // how many bytes that ask were given to the parser up to and including the request's first; 0: that is not known
	TraceParent   string // W3C traceparent of the request, verbatim, or what its B3 headers say, as one
}

// Answered notes when the first and the last byte of the answer came.
func (c *Call) Answered(first, last time.Time) {
	c.FirstByte, c.Duration = max(first.Sub(c.Start), 0), max(last.Sub(c.Start), 0)
}

// Unanswered notes that the connection was closed before the answer was complete.
func (c *Call) Unanswered(at time.Time) {
	c.Duration = max(at.Sub(c.Start), 0)
	c.Failed, c.ErrorType = true, ConnectionClosed
	c.Error = "the connection was closed before the answer was complete"
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
