package otlptest

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pprofile"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// Profiled is a profile of a CPU: main calls work, in which inner was inlined, and below it is an address without a name. Two samples, one of
// them with two times, taken in a span.
func Profiled(now pcommon.Timestamp) pprofile.Profiles {
	pd := pprofile.NewProfiles()
	d := pd.Dictionary()
	d.StringTable().FromRaw([]string{"", "cpu", "nanoseconds", "main", "work", "inner", "work.go", "main.go", "thread.name", "libc.so"})
	for i := range 4 { // 0 is none
		f := d.FunctionTable().AppendEmpty()
		f.SetNameStrindex([]int32{0, 3, 4, 5}[i])
		f.SetFilenameStrindex([]int32{0, 7, 6, 6}[i])
	}
	d.MappingTable().AppendEmpty()
	d.MappingTable().AppendEmpty().SetFilenameStrindex(9)
	d.LocationTable().AppendEmpty()
	inlined := d.LocationTable().AppendEmpty().Lines()
	for i, line := range []int64{12, 20} {
		l := inlined.AppendEmpty()
		l.SetFunctionIndex([]int32{3, 2}[i])
		l.SetLine(line)
	}
	l := d.LocationTable().AppendEmpty().Lines().AppendEmpty()
	l.SetFunctionIndex(1)
	l.SetLine(5)
	unnamed := d.LocationTable().AppendEmpty()
	unnamed.SetAddress(0xbeef)
	unnamed.SetMappingIndex(1)
	d.StackTable().AppendEmpty()
	d.StackTable().AppendEmpty().LocationIndices().FromRaw([]int32{3, 1, 2})
	d.StackTable().AppendEmpty().LocationIndices().FromRaw([]int32{2})
	d.LinkTable().AppendEmpty()
	link := d.LinkTable().AppendEmpty()
	link.SetTraceID(pcommon.TraceID{1})
	link.SetSpanID(pcommon.SpanID{2})
	d.AttributeTable().AppendEmpty()
	a := d.AttributeTable().AppendEmpty()
	a.SetKeyStrindex(8)
	a.Value().SetStr("worker")

	rp := pd.ResourceProfiles().AppendEmpty()
	rp.Resource().Attributes().PutStr(telemetry.ServiceName, "cart")
	p := rp.ScopeProfiles().AppendEmpty().Profiles().AppendEmpty()
	p.SampleType().SetTypeStrindex(1)
	p.SampleType().SetUnitStrindex(2)
	p.SetTime(now)
	p.SetDurationNano(1e9)
	s := p.Samples().AppendEmpty()
	s.SetStackIndex(1)
	s.Values().FromRaw([]int64{10, 30})
	s.TimestampsUnixNano().FromRaw([]uint64{uint64(now), uint64(now) + 1})
	s.SetLinkIndex(1)
	s.AttributeIndices().FromRaw([]int32{1})
	s = p.Samples().AppendEmpty()
	s.SetStackIndex(2)
	s.Values().FromRaw([]int64{7})
	return pd
}
