package otlp

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pprofile"
	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"

	"github.com/midwatch/midwatch/ingest/otlp/otlptest"
	"github.com/midwatch/midwatch/internal/telemetry"
)

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
		pd := otlptest.Profiled(now)
		spoil(pd.Dictionary(), pd.ResourceProfiles().At(0).ScopeProfiles().At(0).Profiles().At(0))
		r := New(Config{Now: time.Now()})
		r.addProfiles(pd)
		if r.Tally.Rejected[badProfile] != 1 || r.Tally.Stored != 1 {
			t.Errorf("%s: %+v; want one sample rejected and the other stored", name, r.Tally)
		}
	}
}

// TestStacksAreNoLargerTogetherThanARequestMayBe has many stacks of few bytes, each of a thousand frames with names.
func TestStacksAreNoLargerTogetherThanARequestMayBe(t *testing.T) {
	pd := otlptest.Profiled(pcommon.NewTimestampFromTime(time.Now()))
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
	r := New(Config{Now: time.Now()})
	r.addProfiles(pd)
	runtime.ReadMemStats(&end)
	if took := end.TotalAlloc - start.TotalAlloc; took > 4*maxExpanded {
		t.Errorf("it took %d MiB", took>>20)
	}
	if r.expanded > maxExpanded || r.Tally.Rejected[requestTooLarge] == 0 || r.Tally.Rejected[badProfile] != 0 {
		t.Errorf("%d bytes, %+v", r.expanded, r.Tally)
	}
}

// FuzzProfiles feeds any bytes to the reader of profiles.
func FuzzProfiles(f *testing.F) {
	body, err := pprofileotlp.NewExportRequestFromProfiles(otlptest.Profiled(pcommon.NewTimestampFromTime(time.Now()))).MarshalProto()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Fuzz(func(t *testing.T, body []byte) {
		r := New(Config{ID: "id", Environment: "e", Now: time.Now()})
		if err := r.Decode(Request{Signal: telemetry.Profiles, Body: body}); err != nil {
			return
		}
		samples := 0
		for _, c := range r.profileChunks() {
			if c.Table != StacksTable {
				samples += c.Rows()
			}
			for _, column := range c.Block {
				if column.Rows() != c.Rows() {
					t.Fatalf("%s.%s has %d values, want %d", c.Table, column.Name, column.Rows(), c.Rows())
				}
			}
		}
		if samples != r.Tally.Stored || r.expanded > maxExpanded {
			t.Fatalf("%d samples, %d counted, %d bytes", samples, r.Tally.Stored, r.expanded)
		}
	})
}
