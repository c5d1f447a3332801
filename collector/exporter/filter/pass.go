package filter

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// passTime bounds how long one batch is looked through. What is left then is withheld: late telemetry is a nuisance, a secret that left is
// gone.
const passTime = 10 * time.Second

// withheldText stands for what was not looked through.
const withheldText = "[withheld: too much to redact]"

// pass applies redactions to one batch.
type pass struct {
	all     []*redaction
	bodies  []*redaction
	byKey   map[string][]*redaction // :: attribute → rules for it
	now     func() time.Time
	overdue time.Time

	redacted, withheld uint64
}

func newPass(rs []*redaction, now func() time.Time) *pass {
	p := &pass{all: rs, byKey: map[string][]*redaction{}, now: now, overdue: now().Add(passTime)}
	for _, r := range rs {
		if r.ofBodies() {
			p.bodies = append(p.bodies, r)
		}
	}
	return p
}

// of are the rules for an attribute.
func (p *pass) of(key string) []*redaction {
	rs, known := p.byKey[key]
	if !known {
		for _, r := range p.all {
			if r.ofAttribute(key) || contents[key] && r.ofBodies() {
				rs = append(rs, r)
			}
		}
		p.byKey[key] = rs
	}
	return rs
}

// text applies rules to a text.
func (p *pass) text(text string, rs []*redaction) string {
	if text == "" || len(rs) == 0 {
		return text
	}
	if len(text) > maxText {
		p.withheld++
		return withheldText
	}
	out := text
	for _, r := range rs {
		if !p.now().Before(p.overdue) {
			p.withheld++
			return withheldText
		}
		out = r.replace(out)
		out = out[:min(len(out), maxText)]
	}
	if out != text {
		p.redacted++
	}
	return out
}

// attributes applies rules to the values of attributes.
func (p *pass) attributes(m pcommon.Map) {
	for key, v := range m.All() {
		rs := p.of(key)
		switch {
		case len(rs) == 0:
		case key == telemetry.ObjectDiff:
			v.SetStr(p.json(v.AsString(), rs, isStep))
		default:
			p.value(v, rs)
		}
	}
}

// value applies rules to whatever a value holds. A number of which a part is replaced becomes text.
func (p *pass) value(v pcommon.Value, rs []*redaction) {
	switch v.Type() {
	case pcommon.ValueTypeStr, pcommon.ValueTypeInt, pcommon.ValueTypeDouble:
		text := v.AsString()
		if clean := p.text(text, rs); clean != text {
			v.SetStr(clean)
		}
	case pcommon.ValueTypeBytes:
		v.Bytes().FromRaw([]byte(p.text(string(v.Bytes().AsRaw()), rs)))
	case pcommon.ValueTypeSlice:
		for _, e := range v.Slice().All() {
			p.value(e, rs)
		}
	case pcommon.ValueTypeMap:
		for _, e := range v.Map().All() {
			p.value(e, rs)
		}
	}
}
