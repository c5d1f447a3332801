// Package metadata keeps everything about investigations that is not telemetry: incidents, requests, turns, evidence,
// reports, fixes, spent nonces, tokens, settings and the audit log. One schema and one set of statements serve SQLite
// (a file that several processes of one machine share) and PostgreSQL. Whatever was read from the observed systems is
// sealed before it is written. All methods are safe for concurrent use by goroutines and by processes.
package metadata
