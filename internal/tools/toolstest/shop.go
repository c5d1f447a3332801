package toolstest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// Environment and Host are where the shop runs.
const (
	Environment = "test"
	Host        = "node-1"
)

// Names are what a run calls the shop's parts, by role; tests rename them so that no rule can know them.
type Names struct {
	Load, Gateway, Catalog, Cart, Checkout, Payment, Postgres, Redis string
	Database, Table, Column                                          string
}

// Plain is one set of names, Odd another.
var (
	Plain = Names{
		Load: "loadgen", Gateway: "gateway", Catalog: "catalog", Cart: "cart", Checkout: "checkout", Payment: "payment",
		Postgres: "postgres", Redis: "redis-server", Database: "shop", Table: "products", Column: "category",
	}
	Odd = Names{
		Load: "walker", Gateway: "front-7", Catalog: "atlas", Cart: "basket", Checkout: "till", Payment: "teller",
		Postgres: "pgmain", Redis: "keep", Database: "bazaar_3", Table: "wares", Column: "shelf_no",
	}
)

// Fault changes how the shop behaves. Every hook may be nil; each is asked for every request after the fault began.
type Fault struct {
	// Serve changes how a service answers one request.
	Serve func(s *Shop, service, operation string, at time.Time) Effect
	// Usage changes what a service's process uses: CPU, run delay, memory.
	Usage func(s *Shop, service string, since time.Duration, u Usage) Usage
	// Every second of the fault, for logs, events and processes of its own.
	Every func(s *Shop, at time.Time, since time.Duration)
}

// Effect is what a fault does to one request of a service.
type Effect struct {
	Extra    time.Duration // time the service takes more, by itself
	Code     string        // fails with this status: HTTP status, SQLSTATE or Redis error prefix
	Message  string
	Down     bool   // nobody accepts the connection
	NoCalls  bool   // answers without calling anybody
	Redirect string // calls to the peer named here fail to connect …
	Address  string // … at this address
}

// Usage is what one process uses.
type Usage struct{ CPU, RunDelay, Memory, Limit, Connections float64 }

// Shop makes telemetry. The same seed makes the same rows.
type Shop struct {
	Names   Names
	Start   time.Time
	FaultAt time.Time
	Fault   Fault
	Rate    float64           // requests per second at the gateway
	Version map[string]string // service.version by service

	rng     *rand.Rand
	spans   []Span
	metrics []Metric
	logs    []Log
	spanID  uint64
}

// New returns a shop that is healthy until fault begins at faultAt.
func New(names Names, seed uint64, start, faultAt time.Time, fault Fault) *Shop {
	return &Shop{
		Names: names, Start: start, FaultAt: faultAt, Fault: fault, Rate: 40,
		Version: map[string]string{}, rng: rand.New(rand.NewPCG(seed, 7)),
	}
}

// Run makes the telemetry of [from, to).
func (s *Shop) Run(from, to time.Time) {
	for at := from; at.Before(to); at = at.Add(time.Second) {
		n := int(s.Rate)
		for range n {
			s.visit(at.Add(time.Duration(s.rng.Int64N(int64(time.Second)))))
		}
		if at.Unix()%5 == 0 {
			s.measure(at)
		}
		if s.rng.IntN(3) == 0 {
			s.Line(at, s.Names.Catalog, 9, "info", fmt.Sprintf("served %d products in %d ms", s.rng.IntN(50), s.rng.IntN(9)))
		}
		if since := at.Sub(s.FaultAt); since >= 0 && s.Fault.Every != nil {
			s.Fault.Every(s, at, since)
		}
	}
}

// visit is one request of a customer.
func (s *Shop) visit(at time.Time) {
	switch p := s.rng.Float64(); {
	case p < 0.4:
		s.call(at, s.Names.Load, s.Names.Gateway, "GET /products")
	case p < 0.65:
		s.call(at, s.Names.Load, s.Names.Gateway, "GET /cart/{id}")
	case p < 0.85:
		s.call(at, s.Names.Load, s.Names.Gateway, "POST /cart/{id}")
	default:
		s.call(at, s.Names.Load, s.Names.Gateway, "POST /checkout")
	}
}

// calls is whom a service asks to answer an operation.
func (s *Shop) calls(service, operation string) [][2]string {
	n := s.Names
	switch service + " " + operation {
	case n.Gateway + " GET /products":
		return [][2]string{{n.Catalog, "GET /products"}}
	case n.Gateway + " GET /cart/{id}":
		return [][2]string{{n.Cart, "GET /cart/{id}"}}
	case n.Gateway + " POST /cart/{id}":
		return [][2]string{{n.Catalog, "GET /products/{id}"}, {n.Cart, "POST /cart/{id}"}}
	case n.Gateway + " POST /checkout":
		return [][2]string{{n.Checkout, "POST /checkout"}}
	case n.Catalog + " GET /products":
		return [][2]string{{n.Postgres, "SELECT by " + n.Column}}
	case n.Catalog + " GET /products/{id}":
		return [][2]string{{n.Postgres, "SELECT by id"}}
	case n.Cart + " GET /cart/{id}":
		return [][2]string{{n.Redis, "GET"}}
	case n.Cart + " POST /cart/{id}":
		return [][2]string{{n.Redis, "GET"}, {n.Redis, "SET"}}
	case n.Checkout + " POST /checkout":
		return [][2]string{{n.Cart, "GET /cart/{id}"}, {n.Payment, "POST /charge"}, {n.Postgres, "INSERT orders"}}
	}
	return nil
}

// call makes both spans of one conversation and everything beneath it, and returns how long it took and whether it failed.
func (s *Shop) call(at time.Time, from, to, operation string) (time.Duration, bool) {
	var e Effect
	if faulty := !at.Before(s.FaultAt); faulty && s.Fault.Serve != nil {
		e = s.Fault.Serve(s, to, operation, at)
		if from == "" {
			from = s.Names.Load
		}
		if r := s.Fault.Serve(s, from, operation, at); r.Redirect == to {
			s.refused(at, from, r.Address)
			return time.Millisecond, true
		}
	}
	if e.Down {
		s.refused(at, from, s.Address(to))
		return time.Millisecond, true
	}
	took := time.Duration((0.4 + s.rng.ExpFloat64()*0.6) * float64(time.Millisecond))
	failed := e.Code != ""
	if !e.NoCalls {
		for _, c := range s.calls(to, operation) {
			d, bad := s.call(at.Add(took/2), to, c[0], c[1])
			took += d
			if bad {
				failed = true
				break
			}
		}
	}
	took += e.Extra
	s.conversation(at, took, from, to, operation, failed, e)
	return took + 200*time.Microsecond, failed
}

// Address is where a service listens.
func (s *Shop) Address(service string) string {
	for i, name := range []string{s.Names.Gateway, s.Names.Catalog, s.Names.Cart, s.Names.Checkout, s.Names.Payment, s.Names.Postgres, s.Names.Redis} {
		if name == service {
			return fmt.Sprintf("127.0.0.1:%d", 8080+i)
		}
	}
	return "127.0.0.1:0"
}

// Instance is service.instance.id of a service's process.
func (s *Shop) Instance(service string) string {
	return fmt.Sprintf("%s/%d/%d", Host, pid(service), 90000+pid(service))
}

func pid(service string) int {
	n := 1000
	for _, c := range service {
		n += int(c)
	}
	return n
}

// Line writes one log line.
func (s *Shop) Line(at time.Time, service string, severity uint8, text, body string) {
	s.logs = append(s.logs, Log{
		Time: at, Env: Environment, Service: service, Instance: s.Instance(service), Host: Host, Severity: severity, Text: text, Body: body,
	})
}

// Event writes one event about a service.
func (s *Shop) Event(at time.Time, service, name, body string, attributes map[string]string) {
	s.logs = append(s.logs, Log{
		Time: at, Env: Environment, Service: service, Instance: s.Instance(service), Host: Host, Severity: 9, Text: "info", Event: name,
		Body: body, Attributes: attributes, Resource: s.resource(service),
	})
}

func (s *Shop) resource(service string) map[string]string {
	return map[string]string{
		telemetry.ProcessPID: fmt.Sprint(pid(service)), telemetry.ProcessStartTicks: fmt.Sprint(90000 + pid(service)),
		telemetry.ProcessExecPath: "/opt/shop/" + service,
	}
}
