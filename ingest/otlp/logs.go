package otlp

import (
	"github.com/midwatch/midwatch/ingest/block"
	"github.com/midwatch/midwatch/ingest/wire"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// logColumns is rows of the table logs.
type logColumns struct {
	base
	delay, severity, flags, trace, span      *block.Fixed
	severityText, event, scope, scopeVersion *block.Dict
	body                                     *block.Strings
	guessed                                  bool // see chunk
}

// newLogColumns makes columns for a request of size bytes. Room for most of it at once saves copying it over and over as it grows.
func newLogColumns(size int) *logColumns {
	c := &logColumns{
		base: newBase(), delay: block.Int64(), severity: block.UInt8(), flags: block.UInt8(), trace: block.FixedString(16), span: block.FixedString(8),
		severityText: block.NewDict(), event: block.NewDict(), scope: block.NewDict(), scopeVersion: block.NewDict(), body: block.NewStrings(),
	}
	c.body.Grow(size / 3)
	c.attributes.Grow(size / 5)
	return c
}

func (c *logColumns) chunk(d Day) *Chunk {
	out := c.base.chunk("logs", d,
		block.Named{Name: "observed_delay_ns", Column: c.delay},
		block.Named{Name: "severity", Column: c.severity},
		block.Named{Name: "severity_text", Column: c.severityText},
		block.Named{Name: "event_name", Column: c.event},
		block.Named{Name: "body", Column: c.body},
		block.Named{Name: "trace", Column: c.trace},
		block.Named{Name: "span", Column: c.span},
		block.Named{Name: "trace_flags", Column: c.flags},
		block.Named{Name: "scope", Column: c.scope},
		block.Named{Name: "scope_version", Column: c.scopeVersion})
	out.guessed = c.guessed
	return out
}

// logRecord is an OTLP LogRecord being read.
type logRecord struct {
	time, observed     uint64 // nanoseconds since 1970, 0: not told
	severity           uint64
	severityText, body []byte
	event              []byte
	trace, span        []byte
	flags              uint32
	attributes         attributes
}

// addLogs takes an ExportLogsServiceRequest.
func (r *Rows) addLogs(request []byte) error {
	var l logRecord
	return r.sections(request, func(res *resource, of scope, b []byte) error {
		if err := r.readLog(&l, b); err != nil {
			return err
		}
		r.addLog(res, of, &l)
		return nil
	})
}

func (r *Rows) readLog(l *logRecord, b []byte) (err error) {
	l.attributes.reset()
	*l = logRecord{attributes: l.attributes}
	m := wire.Read(b)
	for err == nil && m.Next() {
		switch m.Number() {
		case 1:
			l.time = m.Fixed64()
		case 2:
			l.severity = m.Varint()
		case 3:
			l.severityText = r.shortened(r.valid(m.Bytes()))
		case 5:
			l.body, err = r.text(m.Bytes(), maxObject)
		case 6:
			err = r.addAttribute(&l.attributes, m.Bytes())
		case 8:
			l.flags = m.Fixed32()
		case 9:
			l.trace = m.Bytes()
		case 10:
			l.span = m.Bytes()
		case 11:
			l.observed = m.Fixed64()
		case 12:
			l.event = r.shortened(r.valid(m.Bytes()))
		}
	}
	if err != nil {
		return err
	}
	if len(l.event) == 0 { // where the attribute of old says it
		l.event = l.attributes.get(telemetry.EventName)
	}
	return m.Err()
}

func (r *Rows) addLog(res *resource, of scope, l *logRecord) {
	if string(l.event) == telemetry.EventObject {
		r.addObject(res, l)
		return
	}
	at, observed, ok := r.logTimes(l)
	if !ok || !r.admit(res, len(l.body)+len(l.attributes.list)*pairOverhead+l.attributes.size) {
		return
	}
	c := on(&r.logs, at, func() *logColumns { return newLogColumns(r.guess()) })
	c.add(at, res, &l.attributes, r.Batch)
	c.guessed = c.guessed || l.time == 0 && l.observed == 0
	c.delay.Put64(uint64(observed - at))
	c.severity.Put8(severity(l.severity, l.severityText))
	c.severityText.Put(l.severityText)
	c.event.Put(l.event)
	c.body.Put(l.body)
	c.trace.PutBytes(idOf(l.trace, 16))
	c.span.PutBytes(idOf(l.span, 8))
	c.flags.Put8(uint8(l.flags))
	c.scope.Put(of.name)
	c.scopeVersion.Put(of.version)
	r.expand(c.counted.grown(c.attributes, c.severityText, c.event, c.scope, c.scopeVersion))
}

// logTimes follows OTLP: a record without a time happened when it was observed, and without either, now. When it was observed does not decide
// whether it is kept: a time of that which cannot be is the record's own.
func (r *Rows) logTimes(l *logRecord) (at, observed int64, ok bool) {
	seen, ts := l.observed, l.time
	if seen == 0 {
		seen = uint64(r.Now.UnixNano())
	}
	if ts == 0 {
		ts = seen
	}
	if at, ok = r.at(ts); !ok {
		return at, observed, false
	}
	if r.wrong(seen) != "" {
		return at, at, true
	}
	return at, int64(seen), true
}

// idOf is an id of n bytes, nil if it is no such id: a wrong one is none.
func idOf(b []byte, n int) []byte {
	if len(b) != n {
		return nil
	}
	return b
}
