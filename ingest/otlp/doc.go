// Package otlp reads requests into columns, per table and day. Logs and spans go there straight from the bytes (resource.go, attributes.go, logs.go,
// span_record.go, spans.go), the others by way of pdata, if they are not nested too deep (depth.go, metrics.go, points.go, histograms.go, profiles.go).
// Remote write is made OTLP first (remote.go). Single records may be rejected, or changed (reject.go).
package otlp
