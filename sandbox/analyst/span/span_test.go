package span_test

import (
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/sandbox/analyst/span"
)

func TestWindowsLeaveOutWhatIsNotTheFault(t *testing.T) {
	at := func(s int) time.Time { return time.Date(2026, 3, 1, 12, 0, s, 0, time.UTC) }
	s := span.Of(investigation.Request{
		Triggers: []investigation.Trigger{
			{Kind: investigation.Deployment, Onset: at(5)}, {Kind: investigation.Alert, Onset: at(40)}, {Kind: investigation.Alert, Onset: at(42)},
		},
		Fault:   investigation.Window{From: at(0), To: at(58)},
		Healthy: investigation.Window{From: at(10), To: at(25)},
	})
	if !s.Onset.Equal(at(40)) || s.Fault != (investigation.Window{From: at(40), To: at(58)}) || s.Healthy != (investigation.Window{From: at(10), To: at(37)}) {
		t.Errorf("onset %s, fault %v, healthy %v", s.Onset, s.Fault, s.Healthy)
	}
}
