package toolstest

import (
	"net"
	"time"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// measure makes the metrics of one moment.
func (s *Shop) measure(at time.Time) {
	n := s.Names
	busy := 0.0
	for _, service := range []string{n.Load, n.Gateway, n.Catalog, n.Cart, n.Checkout, n.Payment, n.Postgres, n.Redis} {
		u := Usage{CPU: 0.02 + 0.01*s.rng.Float64(), RunDelay: 0.004 * s.rng.Float64(), Memory: 20e6 + 1e6*s.rng.Float64(), Connections: 4}
		if service == n.Checkout {
			u.Limit = 96e6
		}
		if since := at.Sub(s.FaultAt); since >= 0 && s.Fault.Usage != nil {
			u = s.Fault.Usage(s, service, since, u)
		}
		busy += u.CPU
		s.Process(at, service, u)
	}
	busy = min(1, (busy+s.extra(at))/2)
	s.host(at, telemetry.SystemCPU, 1-busy, map[string]string{"cpu.mode": "idle"})
	s.host(at, telemetry.SystemCPU, busy, map[string]string{"cpu.mode": "user"})
	s.host(at, telemetry.SystemPressure, max(0, busy-0.4), map[string]string{"resource": "cpu", "kind": "some"})
}

// extra is the CPU of a process that the fault brought along.
func (s *Shop) extra(at time.Time) float64 {
	since := at.Sub(s.FaultAt)
	if since < 0 || s.Fault.Usage == nil {
		return 0
	}
	return s.Fault.Usage(s, "", since, Usage{}).CPU
}

// Process makes the metrics of one process.
func (s *Shop) Process(at time.Time, service string, u Usage) {
	add := func(name string, v float64, attributes map[string]string) {
		s.metrics = append(s.metrics, Metric{
			Time: at, Env: Environment, Service: service, Instance: s.Instance(service), Host: Host, Name: name, Kind: "gauge", Value: v,
			Attributes: attributes, Resource: s.resource(service),
		})
	}
	add(telemetry.ProcessCPU, u.CPU, nil)
	add(telemetry.ProcessRunDelay, u.RunDelay, nil)
	add(telemetry.ProcessMemory, u.Memory, nil)
	add(telemetry.ProcessOpenFiles, 20, nil)
	if u.Limit > 0 {
		add(telemetry.ProcessMemoryLimit, u.Limit, nil)
	}
	peers := map[string]bool{}
	for _, operation := range []string{"GET /products", "GET /cart/{id}", "POST /cart/{id}", "POST /checkout", "GET /products/{id}"} {
		for _, c := range s.calls(service, operation) {
			if !peers[c[0]] {
				peers[c[0]] = true
				host, port, _ := net.SplitHostPort(s.Address(c[0]))
				add(telemetry.TCPConnections, u.Connections, map[string]string{
					telemetry.PeerService: c[0], telemetry.ServerAddress: host, telemetry.ServerPort: port,
				})
			}
		}
	}
}

func (s *Shop) host(at time.Time, name string, v float64, attributes map[string]string) {
	s.metrics = append(s.metrics, Metric{Time: at, Env: Environment, Host: Host, Name: name, Kind: "gauge", Value: v, Attributes: attributes})
}
