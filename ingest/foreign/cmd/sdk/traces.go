package main

import (
	"context"
	"errors"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"
)

func sendSpans(ctx context.Context, overHTTP bool) error {
	var exporter *otlptrace.Exporter
	var err error
	if overHTTP {
		exporter, err = otlptracehttp.New(ctx)
	} else {
		exporter, err = otlptracegrpc.New(ctx)
	}
	if err != nil {
		return err
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
	tracer := provider.Tracer("foreign", api.WithInstrumentationVersion("1.2.3"))
	_, cause := tracer.Start(ctx, "cause")
	cause.End()
	for i := range many - 1 {
		_, span := tracer.Start(ctx, "GET /cart", api.WithSpanKind(api.SpanKindServer), api.WithLinks(api.Link{SpanContext: cause.SpanContext()}),
			api.WithAttributes(attribute.Int("n", i), attribute.StringSlice("tags", []string{"a", "b"}), attribute.String("text", strconv.Itoa(i)+" ÄÖ")))
		span.AddEvent("looked up", api.WithAttributes(attribute.Bool("found", true)))
		if i == 0 {
			span.SetStatus(codes.Error, "out of stock")
		}
		span.End()
	}
	return errors.Join(provider.ForceFlush(ctx), provider.Shutdown(ctx))
}
