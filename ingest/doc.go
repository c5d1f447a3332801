// Package ingest takes OTLP, from our exporter or from anything else, and what Prometheus writes, and stores it in ClickHouse.
//
// A request goes: bytes, of a sender that may send (grpc.go, http.go, remote.go, sender.go) → columns per table and day. Logs and spans go there straight
// from the bytes (wire, resource.go, attributes.go, logs.go, span_record.go, spans.go), the others by way of pdata, if they are not nested too deep (depth.go, metrics.go,
// points.go, histograms.go). Single records may be rejected (reject.go). Columns are in wire form from the beginning (block). Then: grouped with other
// requests (batcher.go) → one insert per table and day (insert.go), unless its rows are there already (fate.go), without those that the store
// refuses (isolate.go) → answered. What is derived from rows is repaired where an insert was interrupted (reconcile.go).
package ingest
