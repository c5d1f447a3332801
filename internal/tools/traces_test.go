package tools_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/result"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
)

const checkoutTrace = "4bf92f3577b34da6a3ce929d0e0e4736"

// spanID writes a short name as the id of a span; none is none.
func spanID(short string) string {
	if short == "" {
		return ""
	}
	return strings.Repeat("0", 16-len(short)) + short
}

// traced is one request as its services saw it: both ends of each call name the same parent. Times are milliseconds.
func traced() []toolstest.Span {
	span := func(id, parent, service, kind, name, peer string, from, took int) toolstest.Span {
		return toolstest.Span{
			Time: onset.Add(time.Duration(from) * time.Millisecond), DurationNS: uint64(took) * 1e6, Env: toolstest.Environment, Service: service, Kind: kind,
			Name: name, Peer: peer, Status: "unset", TraceID: checkoutTrace, SpanID: spanID(id), Parent: spanID(parent),
		}
	}
	return []toolstest.Span{
		span("a1", "", "gateway", "server", "POST /checkout", "", 0, 100),
		span("b1", "a1", "gateway", "client", "GET /cart", "cart", 10, 20),
		span("b2", "a1", "cart", "server", "GET /cart", "gateway", 12, 15),
		span("c1", "a1", "gateway", "client", "POST /charge", "payment", 35, 60),
		span("c2", "a1", "payment", "server", "POST /charge", "gateway", 36, 58),
		span("d1", "a1", "gateway", "client", "GET /ads", "ads", 40, 5), // beside the charge
		span("e1", "ff", "mailer", "consumer", "mail", "", 90, 30),      // its parent was not recorded
	}
}

func TestTraceIsAWaterfallWithItsCriticalPath(t *testing.T) {
	db := storetest.Open(t)
	toolstest.WriteSpans(t, db, traced())
	got := run[result.Trace](t, tools.All(db), toolstest.Environment, "trace", during(map[string]any{"trace_id": checkoutTrace}))
	type line struct {
		ID, Parent string
		Depth      int
		Offset     float64
		Critical   float64
		Same       bool
	}
	var lines []line
	for _, s := range got.Spans {
		lines = append(lines, line{s.SpanID, s.Parent, s.Depth, s.OffsetMS, s.CriticalMS, s.SameCall})
	}
	want := []line{
		{spanID("a1"), "", 0, 0, 20, false}, // 0-10, 30-35 and 95-100
		{spanID("b1"), spanID("a1"), 1, 10, 5, false},
		{spanID("b2"), spanID("b1"), 2, 12, 15, true},
		{spanID("c1"), spanID("a1"), 1, 35, 2, false},
		{spanID("c2"), spanID("c1"), 2, 36, 58, true},
		{spanID("d1"), spanID("a1"), 1, 40, 0, false},
		{spanID("e1"), "", 0, 90, 0, false},
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("waterfall (-want +got):\n%s", diff)
	}
	critical := []result.CriticalPart{{Service: "payment", MS: 58, Share: 0.58}, {Service: "gateway", MS: 27, Share: 0.27}, {Service: "cart", MS: 15, Share: 0.15}}
	if diff := cmp.Diff(critical, got.Critical); diff != "" {
		t.Errorf("critical path (-want +got):\n%s", diff)
	}
	if got.DurationMS != 120 || got.Orphans != 1 || got.Total != 7 || got.Omitted != 0 {
		t.Errorf("%v ms, %d orphans, %d spans, %d omitted", got.DurationMS, got.Orphans, got.Total, got.Omitted)
	}
	if other := run[result.Trace](t, tools.All(db), "another", "trace", during(map[string]any{"trace_id": checkoutTrace})); other.Total != 0 {
		t.Errorf("another environment sees %d spans", other.Total)
	}
}

// Of a long trace what failed and what took the time is listed, and that something is not.
func TestTraceIsBounded(t *testing.T) {
	spans := traced()
	for i := range 600 {
		s := spans[5]
		s.SpanID, s.Time = spanID(fmt.Sprintf("f%d", i)), s.Time.Add(time.Duration(i)*time.Microsecond)
		if i == 599 {
			s.Status = "error"
		}
		spans = append(spans, s)
	}
	spans[0].Parent = spanID("a1") // its own parent, which must not lead in circles
	db := storetest.Open(t)
	toolstest.WriteSpans(t, db, spans)
	got := run[result.Trace](t, tools.All(db), toolstest.Environment, "trace", during(map[string]any{"trace_id": checkoutTrace}))
	ids := map[string]bool{}
	for _, s := range got.Spans {
		ids[s.SpanID] = true
	}
	if got.Total != 607 || len(got.Spans) != 200 || got.Omitted != 407 || !ids[spanID("f599")] || !ids[spanID("c2")] || !ids[spanID("a1")] {
		t.Errorf("%d spans, %d listed, %d omitted: %v", got.Total, len(got.Spans), got.Omitted, ids)
	}
}

func TestSearchTraces(t *testing.T) {
	spans := traced()
	spans[4].Status = "error"
	spans[4].Attributes = map[string]string{"http.route": "/charge"}
	spans[4].Resource = map[string]string{"k8s.namespace.name": "shop"}
	db := storetest.Open(t)
	toolstest.WriteSpans(t, db, spans)
	for name, c := range map[string]struct {
		arguments map[string]any
		span      string // the slowest that matches
		matches   uint64
	}{
		"all":          {nil, "a1", 7},
		"service":      {map[string]any{"service": "gateway"}, "a1", 4},
		"operation":    {map[string]any{"operation": "GET /cart"}, "b1", 2},
		"between":      {map[string]any{"min_ms": 15, "max_ms": 59}, "c2", 4},
		"failed":       {map[string]any{"status": "error"}, "c2", 1},
		"well":         {map[string]any{"status": "ok", "service": "payment"}, "", 0},
		"by attribute": {map[string]any{"attribute": "http.route", "value": "/charge"}, "c2", 1},
		"not there":    {map[string]any{"attribute": "http.route", "value": "/other"}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := run[result.TraceSearch](t, tools.All(db), toolstest.Environment, "search_traces", during(c.arguments))
			if c.span == "" {
				if len(got.Traces) != 0 {
					t.Fatalf("found %+v", got)
				}
				return
			}
			if len(got.Traces) != 1 || got.Traces[0].SpanID != spanID(c.span) || got.Traces[0].Matches != c.matches || got.Matched != c.matches || got.Traces[0].Spans != 7 {
				t.Errorf("found %+v", got)
			}
		})
	}
	t.Run("only one's namespaces", func(t *testing.T) {
		tool, err := tools.All(db).Get("search_traces")
		if err != nil {
			t.Fatal(err)
		}
		for namespace, want := range map[string]uint64{"shop": 1, "bank": 0} {
			r, err := tool.Run(t.Context(), tools.Scope{Environment: toolstest.Environment, Namespaces: []string{namespace}}, during(nil))
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Data.(result.TraceSearch); got.Matched != want {
				t.Errorf("namespace %s: %d spans, want %d", namespace, got.Matched, want)
			}
		}
	})
}
