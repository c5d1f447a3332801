// Package toolstest makes the telemetry of a small shop, healthy or with a fault, and writes it into a store: what the
// tests of tools, detectors and the built-in analyst look at. It imitates what the node agent reports: two spans per
// conversation, one at each end, without a trace; process and host metrics every 5 s; log lines; events.
package toolstest
