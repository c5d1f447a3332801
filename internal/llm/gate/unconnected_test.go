package gate_test

import (
	"strings"
	"testing"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
)

// A call that never connected cost nothing, and whoever is told why nobody answered reads what was wrong, on one line.
func TestACallThatNeverConnectedIsFree(t *testing.T) {
	for _, kind := range []string{llm.KindAnthropic, llm.KindOpenAI, llm.KindBedrock} {
		t.Run(kind, func(t *testing.T) {
			one, first := scripted(t, kind, "one", llmtest.Sequence())
			two, second := scripted(t, kind, "two", llmtest.Sequence())
			one.Close()
			two.Close()
			p := newPost(t, first, second)
			for turn := 1; turn <= 4; turn++ {
				_, err := p.Complete(t.Context(), ask(turn))
				if llm.KindOf(err) != llm.Unreachable || strings.Count(err.Error(), "connection refused") != 2 || strings.Contains(err.Error(), "\n") {
					t.Errorf("turn %d: %v", turn, err)
				}
				if rests := strings.Contains(err.Error(), "not asked now: it failed 3 times in a row"); rests != (turn == 4) {
					t.Errorf("turn %d: %v", turn, err)
				}
				for _, e := range p.attempts(turn) {
					if e.Cost != 0 || e.Usage != (llm.Usage{}) || e.State != llm.FailedAt {
						t.Errorf("turn %d: %+v", turn, e)
					}
				}
			}
		})
	}
}
