package probe_test

import (
	"errors"
	"testing"

	"github.com/midwatch/midwatch/collector/probe"
)

// TestPrograms: the kernel takes each, with room to spare for kernels that go through more of it to prove it safe.
func TestPrograms(t *testing.T) {
	all, err := probe.Verify(t.Context())
	if errors.Is(err, probe.ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Errorf("%+v", err)
	}
	const most = 500_000 // of the million that it goes through
	for _, p := range all {
		t.Logf("%-24s %6d instructions, %7d verified", p.Name, p.Instructions, p.Verified)
		if p.Instructions == 0 || p.Verified > most {
			t.Errorf("%+v", p)
		}
	}
	if len(all) < 20 {
		t.Errorf("%d programs", len(all))
	}
}
