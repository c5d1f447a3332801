package otlp

import (
	"encoding/binary"
	"slices"

	"go.opentelemetry.io/collector/pdata/pprofile"

	"github.com/midwatch/midwatch/ingest/block"
)

// profileColumns is rows of the table profile_samples.
type profileColumns struct {
	base
	duration, stack, value, trace, span *block.Fixed
	kind, unit, scope                   *block.Dict
}

func newProfileColumns() *profileColumns {
	return &profileColumns{
		newBase(), block.UInt64(), block.UInt64(), block.Int64(), block.FixedString(16), block.FixedString(8),
		block.NewDict(), block.NewDict(), block.NewDict(),
	}
}

func (c *profileColumns) chunk(d Day) *Chunk {
	return c.base.chunk("profile_samples", d,
		block.Named{Name: "duration_ns", Column: c.duration},
		block.Named{Name: "type", Column: c.kind},
		block.Named{Name: "unit", Column: c.unit},
		block.Named{Name: "stack_id", Column: c.stack},
		block.Named{Name: "value", Column: c.value},
		block.Named{Name: "trace", Column: c.trace},
		block.Named{Name: "span", Column: c.span},
		block.Named{Name: "scope", Column: c.scope})
}

// profile is what the samples of one profile share.
type profile struct {
	*resource
	scope, kind, unit string
	start, duration   uint64
	attributes        *attributes
	dictionary        *dictionary
}

func (r *Rows) addProfiles(pd pprofile.Profiles) {
	d := newDictionary(r, pd.Dictionary())
	for _, rp := range pd.ResourceProfiles().All() {
		res := r.newResource(r.attributesOf(rp.Resource().Attributes()))
		for _, sp := range rp.ScopeProfiles().All() {
			for _, p := range sp.Profiles().All() {
				r.addProfile(profile{resource: res, scope: r.named(sp.Scope().Name()), dictionary: d}, p)
			}
		}
	}
}

func (r *Rows) addProfile(of profile, p pprofile.Profile) {
	r.came++
	of.attributes = &attributes{}
	var ok [3]bool
	of.kind, ok[0] = of.dictionary.text(p.SampleType().TypeStrindex())
	of.unit, ok[1] = of.dictionary.text(p.SampleType().UnitStrindex())
	ok[2] = of.dictionary.attributes(of.attributes, p.AttributeIndices().AsRaw())
	of.start, of.duration = uint64(p.Time()), p.DurationNano()
	if slices.Contains(ok[:], false) {
		r.rejectAll(badProfile, max(1, p.Samples().Len()))
		return
	}
	for _, s := range p.Samples().All() {
		r.Tally.once(func() { r.addProfileSample(of, s) })
	}
}

// addProfileSample stores a sample: a row for each of its times, or one of its profile's. Where values are missing each time counts one.
func (r *Rows) addProfileSample(of profile, s pprofile.Sample) {
	times, values := s.TimestampsUnixNano(), s.Values()
	all := of.attributes // its own come after those of the profile
	defer all.cut(len(all.list))
	stack, known := of.dictionary.stack(s.StackIndex())
	if of.dictionary.over {
		r.Tally.reject(requestTooLarge)
		return
	}
	trace, span, linked := of.dictionary.link(s.LinkIndex())
	if !known || !linked || times.Len() > 0 && values.Len() > 0 && times.Len() != values.Len() || !of.dictionary.attributes(all, s.AttributeIndices().AsRaw()) {
		r.Tally.reject(badProfile)
		return
	}
	for i := range max(times.Len(), values.Len()) {
		t, value := of.start, int64(1)
		if times.Len() > 0 {
			t = times.At(i)
		}
		if values.Len() > 0 {
			value = values.At(i)
		}
		at, ok := r.at(t)
		if !ok || !r.admitProfile(of, stack, at, len(all.list)*pairOverhead+all.size) {
			continue
		}
		c := on(&r.profiles, at, newProfileColumns)
		c.add(at, of.resource, all, r.Batch)
		c.duration.Put64(of.duration)
		c.kind.PutString(of.kind)
		c.unit.PutString(of.unit)
		c.stack.Put64(stack.id)
		c.value.Put64(uint64(value))
		c.trace.PutBytes(trace[:])
		c.span.PutBytes(span[:])
		c.scope.PutString(of.scope)
		r.expand(c.counted.grown(c.attributes, c.kind, c.unit, c.scope))
	}
}

// admitProfile admits a sample; if its stack may not have its row yet, the request brings it.
func (r *Rows) admitProfile(of profile, stack *stack, at int64, size int) bool {
	s := seriesDay{stack.id, DayOf(at)}
	_, fresh := r.freshStacks[s]
	fresh = fresh || r.KnownStacks.has(s)
	if !fresh {
		size += stack.size
	}
	if !r.admit(of.resource, size) {
		return false
	}
	if !fresh {
		r.addStack(s, stack)
	}
	return true
}

// stackColumns is rows of the table profile_stacks.
type stackColumns struct {
	day, id, batch *block.Fixed
	frames         *block.Array[*block.Strings]
	files          *block.Array[*block.Dict]
	lines          *block.Array[*block.Fixed]
}

func newStackColumns() *stackColumns {
	return &stackColumns{
		block.NewFixed("Date", 2), block.UInt64(), block.UInt64(), block.NewArray(block.NewStrings()), block.NewArray(block.NewDict()),
		block.NewArray(block.NewFixed("UInt32", 4)),
	}
}

func (c *stackColumns) chunk(d Day) *Chunk {
	at := int64(d) * nanosPerDay
	return &Chunk{Table: StacksTable, Day: d, First: at, Last: at, Block: block.Block{
		{Name: "day", Column: c.day},
		{Name: "stack_id", Column: c.id},
		{Name: "frames", Column: c.frames},
		{Name: "files", Column: c.files},
		{Name: "lines", Column: c.lines},
		{Name: "batch_id", Column: c.batch},
	}}
}

func (r *Rows) addStack(s seriesDay, of *stack) {
	if r.freshStacks == nil {
		r.freshStacks = map[seriesDay]struct{}{}
	}
	r.freshStacks[s] = struct{}{}
	c := on(&r.stacks, int64(s.day)*nanosPerDay, newStackColumns)
	c.day.PutBytes(binary.LittleEndian.AppendUint16(nil, uint16(s.day)))
	c.id.Put64(s.id)
	for _, f := range of.frames {
		c.frames.Items.PutString(f.function)
		c.files.Items.PutString(f.file)
		c.lines.Items.Put32(f.storedLine())
	}
	c.frames.End()
	c.files.End()
	c.lines.End()
	c.batch.Put64(r.Batch)
}

// profileChunks returns what is to be inserted of profiles.
func (r *Rows) profileChunks() []*Chunk {
	var out []*Chunk
	for d, c := range r.stacks {
		out = append(out, c.chunk(d))
	}
	for d, c := range r.profiles {
		out = append(out, c.chunk(d))
	}
	return out
}
