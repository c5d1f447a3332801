package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	api "go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/sdk/log"
)

func sendLogs(ctx context.Context, overHTTP bool) error {
	var exporter log.Exporter
	var err error
	if overHTTP {
		exporter, err = otlploghttp.New(ctx)
	} else {
		exporter, err = otlploggrpc.New(ctx)
	}
	if err != nil {
		return err
	}
	provider := log.NewLoggerProvider(log.WithProcessor(log.NewBatchProcessor(exporter)))
	logger := provider.Logger("foreign")
	for i := range many {
		var r api.Record
		r.SetTimestamp(time.Now())
		r.SetSeverity(api.SeverityWarn)
		r.SetSeverityText("WARN")
		r.SetBody(attribute.StringValue("line " + strconv.Itoa(i)))
		r.AddAttributes(attribute.Int("n", i), attribute.Bool("ok", true))
		logger.Emit(ctx, r)
	}
	return errors.Join(provider.ForceFlush(ctx), provider.Shutdown(ctx))
}
