package analysis

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// TestSparedSearchesWouldHaveFoundNothing: templates are those of the patterns alone, one after another.
func TestSparedSearchesWouldHaveFoundNothing(t *testing.T) {
	number := regexp.MustCompile(`\d+(?:\.\d+)?`)
	plain := func(line string) string {
		for _, m := range masks {
			line = m.pattern.ReplaceAllString(line, m.with)
		}
		return number.ReplaceAllString(line, "<n>")
	}
	pieces := []string{
		"2026-03-01T12:00:00.123Z", "2026-03-01 12:00:00,5", "+02:00", "7c9e6679-7425-40de-944b-e07fc1f90ae7", "10.0.12.7", "10.0.12.7:5432",
		`"took 5 ms"`, `"plain"`, `"`, `\"`, "0xdeadbeef12", "deadbeef01", "deadbeefcafe", "1.5", "1.", ".5", "1.2.3", "12", "a", "é", "١", "user", "=", " ", "-", ":", ".", "x7",
	}
	r := rand.New(rand.NewPCG(5, 8)) //nolint:gosec // the same lines each time
	for range 20_000 {
		var line strings.Builder
		for range 1 + r.IntN(9) {
			line.WriteString(pieces[r.IntN(len(pieces))])
		}
		if got, want := Template(line.String()), plain(line.String()); got != want {
			t.Fatalf("%q: %q, want %q", line.String(), got, want)
		}
	}
}

func BenchmarkTemplate(b *testing.B) {
	const line = `time=2026-03-01T12:00:00.123Z level=INFO msg=request method=GET path=/carts/u1860/items status=200 duration_ms=1.25`
	for b.Loop() {
		Template(line)
	}
}
