package receive

import (
	"errors"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/metadata"
)

func TestPaceKeepsTheRate(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	p := newPace(metadata.Limits{RequestsPerSecond: 5, BytesPerSecond: 1000})
	admitted, bytes := 0, 0
	for range 100 * 60 { // a request of 100 bytes wants in every 10 ms, for a minute
		if err := p.admit(now); err == nil {
			admitted++
			p.read(100, now)
			bytes += 100
		}
		now = now.Add(10 * time.Millisecond)
	}
	if admitted < 345 || admitted > 355 { // 10 s at once, and 60 s
		t.Errorf("%d requests, want 350", admitted)
	}
	if bytes > 71_000 {
		t.Errorf("%d bytes, want at most 70,000 and one request", bytes)
	}
}

func TestPaceTellsHowLongToWait(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	p := newPace(metadata.Limits{BytesPerSecond: 1000})
	if err := p.admit(now); err != nil {
		t.Fatal(err)
	}
	p.read(40_000, now) // ten seconds' worth are 10,000: 30 s of debt
	err := p.admit(now)
	var fast *tooFast
	if !errors.As(err, &fast) || fast.wait != 30*time.Second || !errors.Is(err, ErrOverload) {
		t.Fatalf("%v", err)
	}
	if err := p.admit(now.Add(fast.wait + time.Millisecond)); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	p.read(5000, now.Add(fast.wait))
	if err := p.admit(now.Add(-time.Hour)); err == nil {
		t.Error("a clock that went back fills the bucket")
	}
}

func TestNoLimitAdmitsAll(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for _, p := range []*pace{nil, newPace(metadata.Limits{})} {
		for range 1000 {
			if err := p.admit(now); err != nil {
				t.Fatal(err)
			}
			p.read(1<<30, now)
		}
	}
}
