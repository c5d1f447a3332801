package analysis_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/midwatch/midwatch/internal/analysis"
)

func TestDrain(t *testing.T) {
	for name, c := range map[string]struct{ lines, want []string }{
		"numbers": {[]string{"served 3 products in 4 ms", "served 17 products in 250 ms"}, []string{"served <n> products in <n> ms"}},
		"words that vary": {
			[]string{"user alice logged in from office", "user bob logged in from home", "user carol logged out"},
			[]string{"user <*> logged in from <*>", "user carol logged out"},
		},
		"first word tells": {[]string{"opened the file a", "closed the file a"}, []string{"opened the file a", "closed the file a"}},
		"too different":    {[]string{"error while reading the index", "error after writing some bytes"}, []string{"error while reading the index", "error after writing some bytes"}},
		"nothing":          {[]string{"", "  "}, []string{""}},
		"leading id": {
			[]string{"4711 refused by pool", "4712 refused by pool"}, []string{"<n> refused by pool"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var d analysis.Drain
			var numbers []int
			for _, line := range c.lines {
				numbers = append(numbers, d.Add(line))
			}
			var got []string
			for n := range slices.Max(numbers) + 1 {
				got = append(got, d.Template(n))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// Lines whose first word is always another must not make a branch each.
func TestDrainsBranchesAreBounded(t *testing.T) {
	var d analysis.Drain
	last := 0
	for i := range 5000 {
		word := fmt.Sprintf("%c%c%c", 'a'+i%26, 'a'+i/26%26, 'a'+i/676%26)
		last = max(last, d.Add(word+" asked for the same thing again"))
	}
	if last > 200 {
		t.Errorf("%d templates of one statement", last+1)
	}
}
