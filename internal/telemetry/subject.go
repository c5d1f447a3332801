package telemetry

import "strings"

// Signal is a kind of telemetry.
type Signal string

// The signals that travel on JetStream, each an OTLP protobuf export request compressed with zstd.
const (
	Traces  Signal = "traces"
	Metrics Signal = "metrics"
	Logs    Signal = "logs"
)

// Profiles is a signal that the ingester takes from senders of its own; it does not travel on JetStream.
const Profiles Signal = "profiles"

// StreamName is the JetStream stream that holds telemetry between node agents and the exporter.
const StreamName = "TELEMETRY"

// SubjectPrefix starts every telemetry subject; SubjectPrefix + ".>" is what the stream holds.
const SubjectPrefix = "telemetry"

// Subject is where a node's batches of a signal are published. Characters that mean something in a subject become "_".
func Subject(s Signal, node string) string {
	return SubjectPrefix + "." + string(s) + "." + strings.NewReplacer(".", "_", " ", "_", "*", "_", ">", "_").Replace(node)
}

// SignalOf returns the signal of a telemetry subject, or "" if it is none.
func SignalOf(subject string) Signal {
	parts := strings.SplitN(subject, ".", 3)
	if len(parts) != 3 || parts[0] != SubjectPrefix {
		return ""
	}
	switch s := Signal(parts[1]); s {
	case Traces, Metrics, Logs:
		return s
	}
	return ""
}
