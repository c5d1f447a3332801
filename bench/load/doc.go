// Package load makes and sends the telemetry that the benches measure with: logs and spans of 20 services, as OTLP over gRPC. A request
// is written straight in protobuf's wire form, at about a microsecond a row, because the generator runs on the cores that are measured.
package load
