package recording

import (
	"context"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// In publishes to another publisher as if everything had been seen in one environment.
func In(environment string, to Publisher) Publisher { return relabelled{environment, to} }

type relabelled struct {
	environment string
	to          Publisher
}

func (r relabelled) name(resource pcommon.Resource) {
	resource.Attributes().PutStr(telemetry.Environment, r.environment)
}

// Traces implements Publisher.
func (r relabelled) Traces(ctx context.Context, td ptrace.Traces) error {
	for _, of := range td.ResourceSpans().All() {
		r.name(of.Resource())
	}
	return r.to.Traces(ctx, td)
}

// Metrics implements Publisher.
func (r relabelled) Metrics(ctx context.Context, md pmetric.Metrics) error {
	for _, of := range md.ResourceMetrics().All() {
		r.name(of.Resource())
	}
	return r.to.Metrics(ctx, md)
}

// Logs implements Publisher.
func (r relabelled) Logs(ctx context.Context, ld plog.Logs) error {
	for _, of := range ld.ResourceLogs().All() {
		r.name(of.Resource())
	}
	return r.to.Logs(ctx, ld)
}
