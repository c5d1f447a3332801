package tools

import (
	"context"

	"github.com/ClickHouse/ch-go/proto"
)

// Store is what the tools need of the telemetry store. *store.DB is one.
type Store interface {
	// Select runs query and scans every row into dest, a pointer to a slice of structs with `ch` tags.
	Select(ctx context.Context, dest any, query string, args ...any) error
	// Read runs query and calls each with every block of its result in the columns of into; see store.DB.
	Read(ctx context.Context, query string, params, settings map[string]any, into proto.Results, each func() error) error
}

// All returns every tool over db, in the order people should read them, and after them more: what not every installation has.
func All(db Store, more ...Tool) *Registry {
	r := reader{db: db}
	return New(append([]Tool{
		r.listServices(),
		r.serviceHealth(),
		r.serviceEdges(),
		r.compareWindows(),
		r.failingSpans(),
		r.slowSpans(),
		r.statements(),
		r.contrast(),
		r.searchTraces(),
		r.trace(),
		r.searchLogs(),
		r.logPatterns(),
		r.processResources(),
		r.hostResources(),
		r.listMetrics(),
		r.queryMetrics(),
		r.recentChanges(),
	}, more...)...)
}
