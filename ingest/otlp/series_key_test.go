package otlp

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// The multiplier of a lane of XXH64, and what undoes it.
const lanePrime, laneInverse = 0xC2B2AE3D27D4EB4F, 0x0BA79078168D4BAF

// forged is a metric of another environment that XXH64 takes for one: a lane of it takes eight bytes of each 32, of which the first have the
// environment; what those make different, eight bytes of the service make equal again.
func forged(t *testing.T, of metric, environment string) metric {
	t.Helper()
	if lane := uint64(lanePrime); lane*laneInverse != 1 {
		t.Fatal("no inverse")
	}
	const firstSeed = 0x9E3779B185EBCA87 // of a lane, with its multiplier
	seed := uint64(firstSeed)
	seed += lanePrime
	round := func(acc, in uint64) uint64 {
		acc += in * lanePrime
		return (acc<<31 | acc>>33) * firstSeed
	}
	out := of
	copied := *of.resource
	copied.environment = environment
	out.resource = &copied
	word := func(m metric, at int) uint64 { return binary.LittleEndian.Uint64(m.told()[at:]) }
	instead := word(of, 32) + (round(seed, word(of, 0))-round(seed, word(out, 0)))*laneInverse
	const begins = 4 + 4 + 4 // bytes before the service: the environment with its length, and the service's length
	text := []byte(of.service)
	binary.LittleEndian.PutUint64(text[32-begins:], instead)
	copied.service = string(text)
	return out
}

// TestNoSeriesCanBeMadeThatHasTheIdOfAnother environment's: what collides without a key does not with one.
func TestNoSeriesCanBeMadeThatHasTheIdOfAnother(t *testing.T) {
	m := metric{resource: &resource{environment: "prod", service: strings.Repeat("checkout", 8)}, name: "up", kind: kindGauge}
	f := forged(t, m, "test")
	if xxhash.Sum64(m.told()) != xxhash.Sum64(f.told()) {
		t.Fatal("no forgery of a hash without key")
	}
	key, none := newSeriesKey([16]byte{1, 2, 3}), &attributes{}
	if m.hashed(key).series(none) == f.hashed(key).series(none) {
		t.Error("forged")
	}
	same := m
	same.resource = &resource{environment: "test", service: m.service}
	if m.hashed(key).series(none) == same.hashed(key).series(none) {
		t.Error("two environments have one series")
	}
	if m.hashed(key).series(none) == m.hashed(newSeriesKey([16]byte{1, 2, 4})).series(none) {
		t.Error("the key makes no difference")
	}
}

// TestStacksThatAreStoredDifferentlyDiffer where numbers of lines are more than a table can have.
func TestStacksThatAreStoredDifferentlyDiffer(t *testing.T) {
	ids := map[uint64]int64{}
	key := newSeriesKey([16]byte{5})
	for _, line := range []int64{0, 7, math.MaxUint32} {
		d := &dictionary{r: &Rows{key: key}}
		s := &stack{frames: []frame{{function: "main", line: line}}}
		d.identify(s)
		if other, is := ids[s.id]; is {
			t.Errorf("lines %d and %d", line, other)
		}
		ids[s.id] = line
		beyond := &stack{frames: []frame{{function: "main", line: line + 1<<32}}}
		if d.identify(beyond); beyond.id == s.id && line != math.MaxUint32 {
			t.Errorf("lines %d and %d", line, line+1<<32)
		}
	}
}

// BenchmarkSeriesID is what an id costs a point.
func BenchmarkSeriesID(b *testing.B) {
	m := pcommon.NewMap()
	for _, k := range []string{"http.route", "http.request.method", "http.response.status_code", "server.address"} {
		m.PutStr(k, "/api/v1/orders")
	}
	list := New(Config{}).attributesOf(m)
	of := metric{resource: &resource{environment: "prod", service: "checkout"}, name: "http.server.request.duration", kind: kindGauge}.hashed(newSeriesKey([16]byte{1}))
	b.ReportAllocs()
	for b.Loop() {
		of.series(list)
	}
}
