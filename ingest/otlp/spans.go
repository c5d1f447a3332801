package otlp

import (
	"github.com/midwatch/midwatch/ingest/block"
	"github.com/midwatch/midwatch/internal/telemetry"
)

const fixedTrace, fixedSpan = 16, 8 // bytes of ids

// spanColumns is rows of the table spans.
type spanColumns struct {
	base
	duration, kind, status, trace, span, parent       *block.Fixed
	version, name, peer, errType, scope, scopeVersion *block.Dict
	statusMessage, state                              *block.Strings

	eventTimes      *block.Array[*block.Fixed]
	eventNames      *block.Array[*block.Dict]
	eventAttributes *block.Array[*block.Map]

	linkTraces, linkSpans *block.Array[*block.Fixed]
	linkStates            *block.Array[*block.Strings]
	linkAttributes        *block.Array[*block.Map]
}

// The enums of the table; their numbers are OTLP's.
const (
	kindType   = "Enum8('unspecified' = 0, 'internal' = 1, 'server' = 2, 'client' = 3, 'producer' = 4, 'consumer' = 5)"
	statusType = "Enum8('unset' = 0, 'ok' = 1, 'error' = 2)"
)

// newSpanColumns makes columns for a request of size bytes. Room for most of it at once saves copying it over and over as it grows.
func newSpanColumns(size int) *spanColumns {
	c := &spanColumns{
		base: newBase(), duration: block.UInt64(), kind: block.NewFixed(kindType, 1), status: block.NewFixed(statusType, 1),
		trace: block.FixedString(fixedTrace), span: block.FixedString(fixedSpan), parent: block.FixedString(fixedSpan),
		version: block.NewDict(), name: block.NewDict(), peer: block.NewDict(), errType: block.NewDict(), scope: block.NewDict(), scopeVersion: block.NewDict(),
		statusMessage: block.NewStrings(), state: block.NewStrings(),
		eventTimes: block.NewArray(block.Time()), eventNames: block.NewArray(block.NewDict()), eventAttributes: block.NewArray(block.NewMap()),
		linkTraces: block.NewArray(block.FixedString(fixedTrace)), linkSpans: block.NewArray(block.FixedString(fixedSpan)),
		linkStates: block.NewArray(block.NewStrings()), linkAttributes: block.NewArray(block.NewMap()),
	}
	c.attributes.Grow(size / 4)
	return c
}

func (c *spanColumns) chunk(d Day) *Chunk {
	return c.base.chunk("spans", d,
		block.Named{Name: "duration_ns", Column: c.duration},
		block.Named{Name: "service_version", Column: c.version},
		block.Named{Name: "kind", Column: c.kind},
		block.Named{Name: "name", Column: c.name},
		block.Named{Name: "peer_service", Column: c.peer},
		block.Named{Name: "status", Column: c.status},
		block.Named{Name: "status_message", Column: c.statusMessage},
		block.Named{Name: "error_type", Column: c.errType},
		block.Named{Name: "trace", Column: c.trace},
		block.Named{Name: "span", Column: c.span},
		block.Named{Name: "parent", Column: c.parent},
		block.Named{Name: "trace_state", Column: c.state},
		block.Named{Name: "scope", Column: c.scope},
		block.Named{Name: "scope_version", Column: c.scopeVersion},
		block.Named{Name: "event_times", Column: c.eventTimes},
		block.Named{Name: "event_names", Column: c.eventNames},
		block.Named{Name: "event_attributes", Column: c.eventAttributes},
		block.Named{Name: "link_traces", Column: c.linkTraces},
		block.Named{Name: "link_spans", Column: c.linkSpans},
		block.Named{Name: "link_states", Column: c.linkStates},
		block.Named{Name: "link_attributes", Column: c.linkAttributes})
}

// addTraces takes an ExportTraceServiceRequest.
func (r *Rows) addTraces(request []byte) error {
	var s spanRecord
	return r.sections(request, func(res *resource, of scope, b []byte) error {
		if err := r.readSpan(&s, b); err != nil {
			return err
		}
		r.addSpan(res, of, &s)
		return nil
	})
}

func (r *Rows) addSpan(res *resource, of scope, s *spanRecord) {
	start, ok := r.at(s.start)
	if !ok {
		return
	}
	if s.end < s.start {
		r.Tally.reject(endsBeforeStart)
		return
	}
	if _, ok := r.at(s.end); !ok {
		return
	}
	if empty(idOf(s.trace, fixedTrace)) || empty(idOf(s.span, fixedSpan)) {
		r.Tally.reject(idMissing)
		return
	}
	r.addException(s)
	if !r.admit(res, s.size()) {
		return
	}
	c := on(&r.spans, start, func() *spanColumns { return newSpanColumns(r.guess()) })
	c.add(start, res, &s.attributes, r.Batch)
	c.duration.Put64(s.end - s.start)
	c.version.PutString(res.version)
	c.kind.Put8(known(s.kind, 5))
	c.name.Put(s.name)
	c.peer.Put(s.attributes.get(telemetry.PeerService))
	c.status.Put8(known(s.status, 2))
	c.statusMessage.Put(s.statusMessage)
	c.errType.Put(s.attributes.get(telemetry.ErrorType))
	c.trace.PutBytes(s.trace)
	c.span.PutBytes(s.span)
	c.parent.PutBytes(idOf(s.parent, fixedSpan))
	c.state.Put(s.state)
	c.scope.Put(of.name)
	c.scopeVersion.Put(of.version)
	c.addEvents(s.events)
	c.addLinks(s.links)
	r.expand(c.counted.grown(c.attributes, c.name, c.peer, c.errType, c.scope, c.scopeVersion, c.eventNames.Items, c.eventAttributes.Items, c.linkAttributes.Items))
}

func (c *spanColumns) addEvents(events []spanEvent) {
	for i := range events {
		e := &events[i]
		c.eventTimes.Items.Put64(e.time)
		c.eventNames.Items.Put(e.name)
		e.attributes.writeTo(c.eventAttributes.Items)
	}
	c.eventTimes.End()
	c.eventNames.End()
	c.eventAttributes.End()
}

func (c *spanColumns) addLinks(links []spanLink) {
	for i := range links {
		l := &links[i]
		c.linkTraces.Items.PutBytes(l.trace)
		c.linkSpans.Items.PutBytes(l.span)
		c.linkStates.Items.Put(l.state)
		l.attributes.writeTo(c.linkAttributes.Items)
	}
	c.linkTraces.End()
	c.linkSpans.End()
	c.linkStates.End()
	c.linkAttributes.End()
}

// addException copies what an instrumented program says about an error to where everybody looks for it.
func (r *Rows) addException(s *spanRecord) {
	for i := range s.events {
		e := &s.events[i]
		if string(e.name) != "exception" {
			continue
		}
		for _, a := range e.attributes.list {
			if len(s.attributes.list) < maxAttributes && !s.attributes.has(a.key) {
				s.attributes.put(a.key, a.value)
			}
		}
		return
	}
}

// known is a number of an enum, 0 when it is larger than the last that there is.
func known(n uint64, last uint8) uint8 {
	if n > uint64(last) {
		return 0
	}
	return uint8(n)
}

// empty says that an id is not told, or all zeros, which means the same.
func empty(id []byte) bool {
	for _, b := range id {
		if b != 0 {
			return false
		}
	}
	return true
}
