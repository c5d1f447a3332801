package tools

import (
	"cmp"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/tools/result"
)

// node is a span in its tree.
type node struct {
	traceRow
	parent   *node
	children []*node // by start
	critical time.Duration
	sameCall bool
}

// waterfall makes the tree of a trace's spans and finds its critical path. rows are by start.
func waterfall(id string, rows []traceRow) result.Trace {
	t := result.Trace{TraceID: id, Total: len(rows), Spans: []result.TraceSpan{}, Critical: []result.CriticalPart{}}
	if len(rows) == 0 {
		return t
	}
	roots, orphans := plant(rows)
	start, end := rows[0].Time, rows[0].end()
	for _, row := range rows {
		end = later(end, row.end())
	}
	longest := slices.MaxFunc(roots, func(a, b *node) int { return cmp.Compare(a.DurationNS, b.DurationNS) })
	longest.walk(longest.end())
	t.Start, t.DurationMS, t.Orphans = start.UTC(), round(float64(end.Sub(start))/1e6), orphans
	for _, root := range roots {
		root.tell(&t, start, 0)
	}
	t.Critical = criticalParts(longest)
	bound(&t)
	return t
}

// plant joins children and parents. Both ends of one call may name the same parent: then what was served is drawn below
// the call. Spans that would be their own ancestors are roots.
func plant(rows []traceRow) (roots []*node, orphans int) {
	nodes, byID := make([]*node, len(rows)), map[string]*node{}
	for i, row := range rows {
		nodes[i] = &node{traceRow: row}
		if _, twice := byID[row.SpanID]; !twice {
			byID[row.SpanID] = nodes[i]
		}
	}
	calls := map[string][]*node{} // parent span id → calls that name it
	for _, n := range nodes {
		if n.Side == "client" {
			calls[n.Parent] = append(calls[n.Parent], n)
		}
	}
	for _, n := range nodes {
		parent := byID[n.Parent]
		if n.Parent != "" && parent == nil {
			orphans++
		}
		if n.Side == "server" {
			if i := slices.IndexFunc(calls[n.Parent], n.servedFor); i >= 0 {
				parent, n.sameCall = calls[n.Parent][i], true
				if byID[n.Parent] == nil && n.Parent != "" {
					orphans-- // the call is one already
				}
			}
		}
		if parent == nil || parent.under(n) {
			roots, n.sameCall = append(roots, n), false
			continue
		}
		n.parent, parent.children = parent, append(parent.children, n)
	}
	return roots, orphans
}

// servedFor tells whether a call is the other end of what this span served.
func (n *node) servedFor(call *node) bool {
	return call.Name == n.Name && (call.Peer == "" || call.Peer == n.Service) && (n.Peer == "" || n.Peer == call.Service) &&
		!call.Time.After(n.Time) && !call.end().Before(n.end())
}

// under tells whether n is an ancestor of p, or p itself.
func (n *node) under(ancestor *node) bool {
	for p := n; p != nil; p = p.parent {
		if p == ancestor {
			return true
		}
	}
	return false
}

// walk follows the critical path backwards from a moment: while a child runs that ended last, the path is in it; the rest of
// the time is the span's own.
func (n *node) walk(at time.Time) {
	at = earlier(at, n.end())
	end := at
	children := slices.Clone(n.children)
	slices.SortStableFunc(children, func(a, b *node) int { return b.end().Compare(a.end()) })
	for _, c := range children {
		beside := at.Before(end) && c.end().After(at) // a child that is on the path
		if beside || !c.end().After(n.Time) || !c.Time.Before(at) {
			continue
		}
		n.critical += max(0, at.Sub(c.end()))
		c.walk(earlier(c.end(), at))
		at = later(c.Time, n.Time)
	}
	n.critical += at.Sub(n.Time)
}

// tell lists a span and what is below it.
func (n *node) tell(t *result.Trace, start time.Time, depth int) {
	s := result.TraceSpan{
		SpanID: n.SpanID, Depth: depth, Service: n.Service, Instance: n.Instance, Side: n.Side, Peer: n.Peer, Operation: n.Name,
		OffsetMS: round(float64(n.Time.Sub(start)) / 1e6), DurationMS: round(float64(n.DurationNS) / 1e6), CriticalMS: round(float64(n.critical) / 1e6),
		Status: n.Status, Code: n.Code, ErrorType: n.ErrorType, Message: n.Message, Statement: n.Statement, SameCall: n.sameCall,
	}
	if n.parent != nil {
		s.Parent = n.parent.SpanID
	}
	t.Spans = append(t.Spans, s)
	for _, c := range n.children {
		c.tell(t, start, depth+1)
	}
}

// criticalParts adds up the critical path by service.
func criticalParts(root *node) []result.CriticalPart {
	spent := map[string]time.Duration{}
	var add func(n *node)
	add = func(n *node) {
		spent[n.Service] += n.critical
		for _, c := range n.children {
			add(c)
		}
	}
	add(root)
	parts := []result.CriticalPart{}
	for service, d := range spent {
		if d > 0 {
			parts = append(parts, result.CriticalPart{Service: service, MS: round(float64(d) / 1e6), Share: round(float64(d) / float64(max(1, root.DurationNS)))})
		}
	}
	slices.SortFunc(parts, func(a, b result.CriticalPart) int {
		return cmp.Or(cmp.Compare(b.MS, a.MS), cmp.Compare(a.Service, b.Service))
	})
	return parts
}

// bound keeps what may be listed: roots, failures and what the time was spent on before the rest, in the order told.
func bound(t *result.Trace) {
	if len(t.Spans) <= maxTraceSpans {
		return
	}
	order := make([]int, len(t.Spans))
	for i := range order {
		order[i] = i
	}
	matters := func(s result.TraceSpan) float64 {
		switch {
		case s.Depth == 0:
			return 2e12
		case s.Status == "error":
			return 1e12 + s.DurationMS
		case s.CriticalMS > 0:
			return 1e9 + s.CriticalMS
		}
		return s.DurationMS
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(matters(t.Spans[b]), matters(t.Spans[a])) })
	kept := order[:maxTraceSpans]
	slices.Sort(kept)
	spans := make([]result.TraceSpan, 0, maxTraceSpans)
	for _, i := range kept {
		spans = append(spans, t.Spans[i])
	}
	t.Omitted, t.Spans = len(t.Spans)-maxTraceSpans, spans
}
