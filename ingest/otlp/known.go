package otlp

import (
	"maps"
	"slices"
	"sync"
)

// seriesDay is a row of metric_series.
type seriesDay struct {
	id  uint64
	day Day
}

// Known remembers which series, or stacks of profiles, have their row in the store. A series is known only after the insert of its row was
// acknowledged, so that a crash may repeat a row and never lose one. Safe for concurrent use.
type Known struct {
	most int

	mu    sync.RWMutex
	known map[Day]map[uint64]struct{}
	total int // of all days
}

// NewKnown knows none yet, and at most so many.
func NewKnown(most int) *Known {
	return &Known{most: most, known: map[Day]map[uint64]struct{}{}}
}

func (k *Known) has(s seriesDay) bool {
	if k == nil {
		return false
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	_, ok := k.known[s.day][s.id]
	return ok
}

// stored adds rows. Where there is no room, the days before the latest go first.
func (k *Known) stored(fresh map[seriesDay]struct{}) {
	if k == nil || len(fresh) == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	more := 0
	for s := range fresh {
		if _, is := k.known[s.day][s.id]; !is {
			more++
		}
	}
	if k.total+more > k.most {
		latest := slices.Max(slices.AppendSeq([]Day{0}, maps.Keys(k.known)))
		k.drop(func(d Day) bool { return d < latest })
	}
	if k.total+more > k.most {
		k.drop(func(Day) bool { return true })
	}
	for s := range fresh {
		of := k.known[s.day]
		if of == nil {
			of = map[uint64]struct{}{}
			k.known[s.day] = of
		}
		k.total -= len(of)
		of[s.id] = struct{}{}
		k.total += len(of)
	}
}

// drop expects the lock.
func (k *Known) drop(which func(Day) bool) {
	maps.DeleteFunc(k.known, func(d Day, of map[uint64]struct{}) bool {
		gone := which(d)
		if gone {
			k.total -= len(of)
		}
		return gone
	})
}

// Forget is for when the store may have lost rows of some days that it acknowledged.
func (k *Known) Forget(which func(Day) bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop(which)
}
