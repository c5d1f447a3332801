// Package remotewrite translates what Prometheus writes remotely, version 1.0 and 2.0, into OTLP's metrics, so that one path stores both. It
// follows OpenTelemetry's "Prometheus and OpenMetrics Compatibility", with two exceptions that keep a series the same whatever comes in
// its request: target_info stays a series, and names are what they are. It does no I/O and keeps nothing between requests.
//
//	job, instance            service.name, service.instance.id
//	otel_scope_name, …       the scope
//	counter, or …_total      monotonic cumulative sum
//	classic histogram        the series it is made of
//	native histogram         exponential histogram; custom buckets: histogram
//	staleness marker         a point without recorded value
package remotewrite
