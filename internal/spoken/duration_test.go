package spoken_test

import (
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/spoken"
)

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30d": 30 * 24 * time.Hour, "1d12h": 36 * time.Hour, "2w": 14 * 24 * time.Hour, "0.5d": 12 * time.Hour, "-1d": -24 * time.Hour,
		"90s": 90 * time.Second, "1h30m": 90 * time.Minute, "250ms": 250 * time.Millisecond, "0": 0, " 5m ": 5 * time.Minute,
	} {
		if got, err := spoken.Duration(text); err != nil || got != want {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "5", "d", "3 days", "1y", "999999999999w", "30days"} {
		if got, err := spoken.Duration(text); err == nil || strings.Contains(err.Error(), "time:") {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}
