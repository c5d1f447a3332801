package probe_test

import (
	"context"
	"errors"
	"testing"

	"github.com/midwatch/midwatch/collector/probe"
)

func TestCheck(t *testing.T) {
	hooks, err := probe.Check(context.Background())
	if errors.Is(err, probe.ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range hooks {
		if h.State != probe.Attached {
			t.Errorf("%s: %s: %s", h.Name, h.State, h.Reason)
		}
	}
	if len(hooks) != 14 {
		t.Errorf("%d hooks, want 14", len(hooks))
	}
}
