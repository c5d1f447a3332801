// Package filter takes out of telemetry what must not leave the cluster: whole records, by drop rules, and parts of texts, by redaction rules.
package filter

import (
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/internal/rules"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// MaxRules bounds what every record is looked at by: of each kind so many of the configuration, and so many of a cluster.
const MaxRules = 100

// Counts says what was taken out.
type Counts struct {
	Dropped  uint64 // records
	Redacted uint64 // texts of which a part was replaced
	Withheld uint64 // texts replaced as a whole, because looking through them would have taken too long
}

// Filters are rules that are ready to be applied. Safe for concurrent use.
type Filters struct {
	drop   dropRules
	redact map[telemetry.Signal][]*redaction
}

// New returns filters, or an error that names the first rule that is wrong: half of the rules are never applied.
func New(drop []rules.Drop, redact []rules.Redaction) (*Filters, error) {
	if len(drop) > 2*MaxRules || len(redact) > 2*MaxRules {
		return nil, fmt.Errorf("%d drop and %d redaction rules; want at most %d of each", len(drop), len(redact), 2*MaxRules)
	}
	f := &Filters{redact: map[telemetry.Signal][]*redaction{}}
	var err error
	if f.drop, err = newDropRules(drop); err != nil {
		return nil, err
	}
	for i, r := range redact {
		compiled, err := newRedaction(r)
		if err != nil {
			return nil, fmt.Errorf("redaction rule %d (%s): %w", i+1, r.Name, err)
		}
		for _, s := range []telemetry.Signal{telemetry.Traces, telemetry.Metrics, telemetry.Logs} {
			if r.Of(s) {
				f.redact[s] = append(f.redact[s], compiled)
			}
		}
	}
	return f, nil
}

// Traces applies the rules for traces: drop rules first, which see what redaction rules hide.
func (f *Filters) Traces(td ptrace.Traces) (c Counts) {
	if gone := f.drop.gone(telemetry.Traces); gone != nil {
		before := td.SpanCount()
		dropSpans(td, gone)
		c.Dropped = uint64(before - td.SpanCount())
	}
	if rs := f.redact[telemetry.Traces]; len(rs) > 0 {
		p := newPass(rs, time.Now)
		p.traces(td)
		c.Redacted, c.Withheld = p.redacted, p.withheld
	}
	return c
}

// Metrics is Traces for metrics.
func (f *Filters) Metrics(md pmetric.Metrics) (c Counts) {
	if gone := f.drop.gone(telemetry.Metrics); gone != nil {
		before := md.DataPointCount()
		dropPoints(md, gone)
		c.Dropped = uint64(before - md.DataPointCount())
	}
	if rs := f.redact[telemetry.Metrics]; len(rs) > 0 {
		p := newPass(rs, time.Now)
		p.metrics(md)
		c.Redacted, c.Withheld = p.redacted, p.withheld
	}
	return c
}

// Logs is Traces for logs, events and versions of Kubernetes objects.
func (f *Filters) Logs(ld plog.Logs) (c Counts) {
	if gone := f.drop.gone(telemetry.Logs); gone != nil {
		before := ld.LogRecordCount()
		dropLogs(ld, gone)
		c.Dropped = uint64(before - ld.LogRecordCount())
	}
	if rs := f.redact[telemetry.Logs]; len(rs) > 0 {
		p := newPass(rs, time.Now)
		p.logs(ld)
		c.Redacted, c.Withheld = p.redacted, p.withheld
	}
	return c
}
