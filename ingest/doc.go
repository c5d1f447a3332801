// Package ingest takes OTLP from our exporter or from anything else and stores it in ClickHouse.
//
// A request goes: bytes (grpc.go, http.go) → pdata, if it is not nested too deep (decode.go, depth.go) → columns per table and
// day (spans.go, logs.go, metrics.go, histograms.go), where single records may be rejected (reject.go) → grouped with other requests
// (batcher.go) → one insert per table and day (insert.go), unless its rows are there already (fate.go) → answered.
package ingest
