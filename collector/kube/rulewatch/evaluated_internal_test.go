package rulewatch

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/rules"
)

// That an ingester does not answer says nothing of the workers.
func TestWhoDoesNotAnswerIsTold(t *testing.T) {
	all := kinds()
	v := verdict{kind: all[slices.IndexFunc(all, func(k *kind) bool { return k.resource.Kind == rules.AlertKind })]}
	now := time.Now()
	for unasked, want := range map[string]string{"": "no worker", "connection refused": "the ingester does not answer"} {
		w := &Watcher{states: &rules.States{At: now.Add(-time.Hour)}, unasked: unasked}
		if c, ok := w.evaluated(v, now); !ok || c.Status != "Unknown" || c.Reason != "NotEvaluated" || !strings.HasPrefix(c.Message, want) {
			t.Errorf("%q: %+v, want %q", unasked, c, want)
		}
	}
}
