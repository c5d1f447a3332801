package otlp

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"

	"github.com/midwatch/midwatch/ingest/otlp/otlptest"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// TestAttributesAreFoundHoweverManyThereAre puts, cuts and looks for attributes, and compares with a list.
func TestAttributesAreFoundHoweverManyThereAre(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var a attributes
	var model []string
	for step := range 20_000 {
		key := fmt.Sprint("key-", r.IntN(3*few))
		if has, want := a.has([]byte(key)), slices.Contains(model, key); has != want {
			t.Fatalf("step %d, of %d: has %s: %v, want %v", step, len(model), key, has, want)
		}
		switch n := r.IntN(100); {
		case n == 0:
			a.reset()
			model = nil
		case n < 5:
			keep := r.IntN(len(model) + 1)
			a.cut(keep)
			model = model[:keep]
		case n < 10:
			var fresh attributes
			for _, k := range model {
				fresh.put([]byte(k), []byte("v"))
			}
			if a.hashed() != fresh.hashed() || a.size != fresh.size {
				t.Fatalf("step %d: hash %x of %d bytes, want %x of %d", step, a.hashed(), a.size, fresh.hashed(), fresh.size)
			}
		case !slices.Contains(model, key):
			a.put([]byte(key), []byte("v"))
			model = append(model, key)
		}
	}
}

// TestSamplesDoNotHaveEachOthersAttributes though they are read into the same place.
func TestSamplesDoNotHaveEachOthersAttributes(t *testing.T) {
	now := pcommon.NewTimestampFromTime(time.Now())
	pd := otlptest.Profiled(now)
	d := pd.Dictionary()
	p := pd.ResourceProfiles().At(0).ScopeProfiles().At(0).Profiles().At(0)
	add := func(key string) int32 {
		d.StringTable().Append(key)
		a := d.AttributeTable().AppendEmpty()
		a.SetKeyStrindex(int32(d.StringTable().Len() - 1))
		a.Value().SetStr("v")
		return int32(d.AttributeTable().Len() - 1)
	}
	for i := range few {
		p.AttributeIndices().Append(add(fmt.Sprint("of-all-", i)))
	}
	p.Samples().At(0).AttributeIndices().FromRaw([]int32{add("first"), add("another of the first")})
	p.Samples().At(1).AttributeIndices().FromRaw([]int32{add("second")})
	r := New(Config{Now: time.Now()})
	r.addProfiles(pd)
	if len(r.Tally.Noted)+len(r.Tally.Rejected) > 0 || r.came != 1 {
		t.Fatalf("%+v", r.Tally)
	}
	rows, pairs := 0, 0
	for _, c := range r.profiles { // one, unless it is midnight
		rows += c.attributes.Rows()
		pairs += c.attributes.Pairs()
	}
	if want := 2*(few+2) + (few + 1); rows != 3 || pairs != want {
		t.Errorf("%d rows of %d attributes, want 3 of %d", rows, pairs, want)
	}
}

// TestNamesThatAreHashedWithEveryMetricAreShort has a name of 60 KiB for a service and for a scope.
func TestNamesThatAreHashedWithEveryMetricAreShort(t *testing.T) {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr(telemetry.ServiceName, strings.Repeat("ü", 30<<10))
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName(strings.Repeat("s", 60<<10))
	m := sm.Metrics().AppendEmpty()
	m.SetName("level")
	p := m.SetEmptyGauge().DataPoints().AppendEmpty()
	p.SetTimestamp(pcommon.NewTimestampFromTime(moment))
	p.SetDoubleValue(1)
	r := New(Config{Now: moment})
	r.addMetrics(md)
	if r.Tally.Stored != 1 || r.Tally.Noted[attributeCut] != 2 {
		t.Fatalf("%+v", r.Tally)
	}
	for _, c := range r.series {
		if service, scope := c.service.Values()[0], c.scope.Values()[0]; service != strings.Repeat("ü", maxName/2) || scope != strings.Repeat("s", maxName) {
			t.Errorf("names of %d and %d bytes", len(service), len(scope))
		}
		if whole := c.resource.Values()[0]; len(whole) < 60<<10 {
			t.Errorf("%d bytes of the resource are kept", len(whole))
		}
	}
}

// BenchmarkManyAttributes is what the largest request costs that says one attribute over and over, after as many others as a record may have.
func BenchmarkManyAttributes(b *testing.B) {
	pd := otlptest.Profiled(pcommon.NewTimestampFromTime(time.Now()))
	d, p := pd.Dictionary(), pd.ResourceProfiles().At(0).ScopeProfiles().At(0).Profiles().At(0)
	for i := range maxAttributes - 1 {
		d.StringTable().Append(fmt.Sprintf("key-%04d", i))
		a := d.AttributeTable().AppendEmpty()
		a.SetKeyStrindex(int32(d.StringTable().Len() - 1))
		p.AttributeIndices().Append(int32(d.AttributeTable().Len() - 1))
	}
	last := int32(d.AttributeTable().Len() - 1)
	for range 4 << 20 { // two bytes each
		p.AttributeIndices().Append(last)
	}
	body, err := pprofileotlp.NewExportRequestFromProfiles(pd).MarshalProto()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r := New(Config{Now: time.Now()})
		if err := r.Decode(Request{Signal: telemetry.Profiles, Body: body, Schema: []string{pprofileotlp.DevelopmentVersion}}); err != nil {
			b.Fatal(err)
		}
		if r.Tally.Noted[attributeTwice]+r.Tally.Noted[attributesTooMany] < 4<<20 {
			b.Fatalf("%+v", r.Tally)
		}
	}
}
