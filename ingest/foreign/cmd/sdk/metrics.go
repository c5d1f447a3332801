package main

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	api "go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/sdk/metric"
)

func sendMetrics(ctx context.Context, overHTTP bool) error {
	var exporter metric.Exporter
	var err error
	if overHTTP {
		exporter, err = otlpmetrichttp.New(ctx)
	} else {
		exporter, err = otlpmetricgrpc.New(ctx)
	}
	if err != nil {
		return err
	}
	exponential := metric.NewView(metric.Instrument{Name: "weight"}, metric.Stream{Aggregation: metric.AggregationBase2ExponentialHistogram{MaxSize: 160, MaxScale: 20}})
	provider := metric.NewMeterProvider(metric.WithReader(metric.NewPeriodicReader(exporter)), metric.WithView(exponential))
	meter := provider.Meter("foreign")
	counter, one := meter.Int64Counter("orders", api.WithUnit("{order}"), api.WithDescription("what was ordered"))
	gauge, two := meter.Float64Gauge("temperature", api.WithUnit("Cel"))
	explicit, three := meter.Float64Histogram("duration", api.WithUnit("s"), api.WithExplicitBucketBoundaries(10, 50))
	weight, four := meter.Float64Histogram("weight", api.WithUnit("kg"))
	if err := errors.Join(one, two, three, four); err != nil {
		return err
	}
	for i := range many {
		counter.Add(ctx, 1, api.WithAttributes(attribute.String("kind", "book")))
		explicit.Record(ctx, float64(i))
		weight.Record(ctx, float64(i))
	}
	gauge.Record(ctx, 21.5)
	return errors.Join(provider.ForceFlush(ctx), provider.Shutdown(ctx)) // shutting down collects once more
}
