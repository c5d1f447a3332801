package otlp

import (
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

func TestASeriesIsTheSameInAnyOrderOfItsAttributes(t *testing.T) {
	r := New(Config{})
	m := pcommon.NewMap()
	m.PutStr("a", "1")
	m.PutStr("b", "2")
	n := pcommon.NewMap()
	n.PutStr("b", "2")
	n.PutStr("a", "1")
	of := metric{resource: &resource{service: "cart"}, name: "jobs", kind: kindGauge}.hashed(seriesKey{})
	if of.series(r.attributesOf(m)) != of.series(r.attributesOf(n)) {
		t.Error("two series")
	}
	n.PutStr("a", "2")
	n.PutStr("b", "1")
	if of.series(r.attributesOf(m)) == of.series(r.attributesOf(n)) {
		t.Error("one series")
	}
	other := of
	other.kind = kindSumDelta
	if of.series(r.attributesOf(m)) == other.hashed(seriesKey{}).series(r.attributesOf(m)) {
		t.Error("a gauge and a sum are one series")
	}
}

// TestAsManySeriesAsThereMayBeAreKnown of a day, at the cost of the day before.
func TestAsManySeriesAsThereMayBeAreKnown(t *testing.T) {
	const most = 100
	k := NewKnown(most)
	add := func(d Day, from, n int) {
		fresh := map[seriesDay]struct{}{}
		for i := range n {
			fresh[seriesDay{uint64(from + i), d}] = struct{}{}
		}
		k.stored(fresh)
		k.stored(fresh) // twice
	}
	known := func(d Day) (n int) {
		for id := range uint64(2 * most) {
			if k.has(seriesDay{id, d}) {
				n++
			}
		}
		return n
	}
	add(1, 0, 40)
	add(2, 0, 30)
	add(2, 30, 20)
	if known(1) != 40 || known(2) != 50 || k.total != 90 {
		t.Errorf("%d, %d, %d in all; want 40, 50, 90", known(1), known(2), k.total)
	}
	add(2, 50, 50)
	if known(1) != 0 || known(2) != 100 || k.total != 100 {
		t.Errorf("%d, %d, %d in all; want only the 100 of the second Day", known(1), known(2), k.total)
	}
	add(2, 150, 1)
	if known(2) != 1 || k.total != 1 {
		t.Errorf("%d, %d in all; want what came last", known(2), k.total)
	}
}
