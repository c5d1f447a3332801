package host

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	now := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	for took, pause := range map[time.Duration]time.Duration{
		5 * time.Millisecond:   0,
		100 * time.Millisecond: 2 * time.Second,
		10 * time.Second:       longestPause,
	} {
		var p pace
		if !p.due(now) {
			t.Fatal("it is due at first")
		}
		p.done(now, took)
		if p.due(now.Add(pause-1)) && pause > 0 || !p.due(now.Add(pause)) {
			t.Errorf("after %s it is due at %s, want %s", took, p.next.Sub(now), pause)
		}
	}
}
