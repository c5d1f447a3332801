// Command sdk sends telemetry as an application does that is instrumented with OpenTelemetry's SDK for Go, unchanged: where to, with which
// certificate authority and which headers is said by the SDK's own environment variables (OTEL_EXPORTER_OTLP_…, OTEL_SERVICE_NAME).
//
// It sends 100 log records, 100 spans, each with an event and a link, and a counter of 100, a gauge, a histogram of 100 values, explicit and
// exponential, and exits 1 if anything was refused.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"go.opentelemetry.io/otel"
)

// many is how much of each is sent.
const many = 100

func main() {
	overHTTP := flag.Bool("http", false, "OTLP/HTTP; else OTLP/gRPC")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *overHTTP); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, overHTTP bool) error {
	var background []error // of exports that nobody waits for
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { background = append(background, err) }))
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err := errors.Join(sendSpans(ctx, overHTTP), sendLogs(ctx, overHTTP), sendMetrics(ctx, overHTTP))
	return errors.Join(append(background, err)...)
}
