// Package temporal is an embedded Temporal server with its web UI, for one machine: SQLite in one file, mutual TLS, write
// actions of the UI off. It is a module of its own because the server and ClickHouse's client want different versions of one
// OpenTelemetry module. Any other Temporal, 1.28 or newer, takes its place by address.
package temporal
