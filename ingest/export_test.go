package ingest

import (
	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Counted is what the server has counted of a signal under a reason, whatever the outcome.
func (s *Server) Counted(signal telemetry.Signal, why otlp.Reason) (n int64) {
	for c, counted := range s.counters.snapshot() {
		if c.signal == signal && c.reason == why {
			n += counted
		}
	}
	return n
}
