package otlp

import (
	"math/bits"
	"time"
)

// minutes is a set of a day's minutes, a bit for each.
type minutes [24*60/64 + 1]uint64

// add puts the minute of a time in nanoseconds since 1970 in it.
func (m *minutes) add(at int64) {
	n := at % nanosPerDay / int64(time.Minute)
	m[n/64] |= 1 << (n % 64)
}

// of is when they begin on a day, in order.
func (m *minutes) of(d Day) (all []time.Time) {
	midnight := time.Unix(0, int64(d)*nanosPerDay)
	for i, word := range m {
		for ; word != 0; word &= word - 1 {
			n := i*64 + bits.TrailingZeros64(word)
			all = append(all, midnight.Add(time.Duration(n)*time.Minute))
		}
	}
	return all
}
