package ingest

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pprofile"
	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"

	"github.com/midwatch/midwatch/internal/store/storetest"
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

// ProfileRows asks for it.
const ProfileRows = `SELECT toString(groupArray((service, type, unit, value, trace_id, attributes, frames, files, lines))) FROM (
	SELECT *, trace_id FROM profile_samples INNER JOIN (SELECT * FROM profile_stacks FINAL) AS s USING (stack_id) ORDER BY value)`

// ProfileWant is the answer.
const ProfileWant = `[('cart','cpu','nanoseconds',7,'',{},['main'],['main.go'],[5]),` +
	`('cart','cpu','nanoseconds',10,'01000000000000000000000000000000',{'thread.name':'worker'},['0xbeef','inner','work','main'],['libc.so','work.go','work.go','main.go'],[0,12,20,5]),` +
	`('cart','cpu','nanoseconds',30,'01000000000000000000000000000000',{'thread.name':'worker'},['0xbeef','inner','work','main'],['libc.so','work.go','work.go','main.go'],[0,12,20,5])]`

func TestProfilesBecomeRows(t *testing.T) {
	db := storetest.Open(t)
	s := notServing(t, db)
	defer s.startBatcher(context.Background())()
	now := time.Now()
	for i := range 2 { // stacks are told once
		body, err := pprofileotlp.NewExportRequestFromProfiles(Profiled(pcommon.NewTimestampFromTime(now.Add(time.Duration(-i) * time.Millisecond)))).MarshalProto()
		if err != nil {
			t.Fatal(err)
		}
		if rejected, why, err := s.export(t.Context(), request{signal: telemetry.Profiles, body: body}); rejected != 0 || err != nil {
			t.Fatal(rejected, why, err)
		}
		if i == 0 {
			var got string
			if err := db.QueryRow(t.Context(), ProfileRows).Scan(&got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(ProfileWant, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	}
	if stacks, samples := counted(t, db, "SELECT count() FROM profile_stacks"), counted(t, db, "SELECT count() FROM profile_samples"); stacks != 2 || samples != 6 {
		t.Errorf("%d stacks, %d samples; want 2, 6", stacks, samples)
	}
}

func TestBadProfilesAreRejected(t *testing.T) {
	now := pcommon.NewTimestampFromTime(time.Now())
	for name, spoil := range map[string]func(pprofile.ProfilesDictionary, pprofile.Profile){
		"stack":    func(_ pprofile.ProfilesDictionary, p pprofile.Profile) { p.Samples().At(0).SetStackIndex(99) },
		"negative": func(_ pprofile.ProfilesDictionary, p pprofile.Profile) { p.Samples().At(0).SetStackIndex(-1) },
		"location": func(d pprofile.ProfilesDictionary, _ pprofile.Profile) {
			d.StackTable().At(1).LocationIndices().SetAt(0, 99)
		},
		"function": func(d pprofile.ProfilesDictionary, _ pprofile.Profile) {
			d.LocationTable().At(1).Lines().At(0).SetFunctionIndex(99)
		},
		"string": func(d pprofile.ProfilesDictionary, _ pprofile.Profile) { d.FunctionTable().At(3).SetNameStrindex(99) },
		"link":   func(_ pprofile.ProfilesDictionary, p pprofile.Profile) { p.Samples().At(0).SetLinkIndex(99) },
		"attribute": func(_ pprofile.ProfilesDictionary, p pprofile.Profile) {
			p.Samples().At(0).AttributeIndices().FromRaw([]int32{99})
		},
		"times": func(_ pprofile.ProfilesDictionary, p pprofile.Profile) {
			p.Samples().At(0).Values().FromRaw([]int64{1, 2, 3})
		},
		"size": func(d pprofile.ProfilesDictionary, _ pprofile.Profile) { // a small request that would be large rows
			d.StringTable().SetAt(4, strings.Repeat("x", maxAttribute))
			d.StackTable().At(1).LocationIndices().FromRaw(make([]int32, 1000))
			for i := range 1000 {
				d.StackTable().At(1).LocationIndices().SetAt(i, 1)
			}
		},
	} {
		pd := Profiled(now)
		spoil(pd.Dictionary(), pd.ResourceProfiles().At(0).ScopeProfiles().At(0).Profiles().At(0))
		r := &rows{now: time.Now()}
		r.addProfiles(pd)
		if r.tally.rejected[badProfile] != 1 || r.tally.stored != 1 {
			t.Errorf("%s: %+v; want one sample rejected and the other stored", name, r.tally)
		}
	}
}

// TestStacksAreNoLargerTogetherThanARequestMayBe has many stacks of few bytes, each of a thousand frames with names.
func TestStacksAreNoLargerTogetherThanARequestMayBe(t *testing.T) {
	pd := Profiled(pcommon.NewTimestampFromTime(time.Now()))
	d := pd.Dictionary()
	d.StringTable().SetAt(4, strings.Repeat("x", 900))
	d.StringTable().SetAt(6, "")
	lines := d.LocationTable().AppendEmpty().Lines()
	for range 1000 {
		lines.AppendEmpty().SetFunctionIndex(2)
	}
	p := pd.ResourceProfiles().At(0).ScopeProfiles().At(0).Profiles().At(0)
	const stacks = 5000
	before := int32(d.StackTable().Len())
	for i := range stacks {
		d.StackTable().AppendEmpty().LocationIndices().FromRaw([]int32{int32(d.LocationTable().Len() - 1)})
		s := p.Samples().AppendEmpty()
		s.SetStackIndex(before + int32(i))
		s.TimestampsUnixNano().FromRaw([]uint64{1}) // too old to be stored
	}
	var start, end runtime.MemStats
	runtime.ReadMemStats(&start)
	r := &rows{now: time.Now()}
	r.addProfiles(pd)
	runtime.ReadMemStats(&end)
	if took := end.TotalAlloc - start.TotalAlloc; took > 4*maxExpanded {
		t.Errorf("it took %d MiB", took>>20)
	}
	if r.expanded > maxExpanded || r.tally.rejected[requestTooLarge] == 0 || r.tally.rejected[badProfile] != 0 {
		t.Errorf("%d bytes, %+v", r.expanded, r.tally)
	}
}

// FuzzProfiles feeds any bytes to the reader of profiles.
func FuzzProfiles(f *testing.F) {
	body, err := pprofileotlp.NewExportRequestFromProfiles(Profiled(pcommon.NewTimestampFromTime(time.Now()))).MarshalProto()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Fuzz(func(t *testing.T, body []byte) {
		r := &rows{id: "id", environment: "e", now: time.Now()}
		if err := r.decode(request{signal: telemetry.Profiles, body: body}); err != nil {
			return
		}
		samples := 0
		for _, c := range r.profileChunks() {
			if c.table != stacksTable {
				samples += c.rows()
			}
			for _, column := range c.block {
				if column.Rows() != c.rows() {
					t.Fatalf("%s.%s has %d values, want %d", c.table, column.Name, column.Rows(), c.rows())
				}
			}
		}
		if samples != r.tally.stored || r.expanded > maxExpanded {
			t.Fatalf("%d samples, %d counted, %d bytes", samples, r.tally.stored, r.expanded)
		}
	})
}
