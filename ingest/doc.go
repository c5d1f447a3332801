// Package ingest takes OTLP, from our exporter or from anything else, and what Prometheus writes, and stores it in ClickHouse.
//
// A request is received from a sender that may send (room receive) and becomes columns per table and day (room otlp), in wire form from the beginning
// (room block). Then it is stored, once (export.go): grouped with other requests (batcher.go) → one insert per table and day (insert.go), unless its rows
// are there already (fate.go), without those that the store refuses (isolate.go) → answered. What is derived from rows is repaired where an insert was
// interrupted (reconcile.go), and metrics are made coarser (downsample.go).
package ingest
