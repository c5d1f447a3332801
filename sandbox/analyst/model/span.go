package model

import (
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
)

const (
	// onsetMargin is how far off a detector's onset may be.
	onsetMargin = 3 * time.Second
	// maxHealthy is how much healthy time is compared with: further back, traffic may have been another.
	maxHealthy = time.Minute
	// minFault is the least length of the fault window.
	minFault = 10 * time.Second
)

// span is what a comparing call compares when the model names no times: the fault from its onset, so that healthy seconds
// do not dilute it, and the healthy time right before. The built-in analyst compares the same.
type span struct {
	onset          time.Time
	fault, healthy investigation.Window
}

func spanOf(req investigation.Request) span {
	s := span{onset: onsetOf(req)}
	s.fault = investigation.Window{From: s.onset, To: req.Fault.To.UTC()}
	if s.fault.To.Sub(s.fault.From) < minFault {
		s.fault.From = s.fault.To.Add(-minFault)
	}
	s.healthy.To = s.onset.Add(-onsetMargin)
	if s.fault.From.Before(s.healthy.To) {
		s.healthy.To = s.fault.From
	}
	s.healthy.From = s.healthy.To.Add(-maxHealthy)
	if h := req.Healthy; h.From.Before(h.To) && h.From.After(s.healthy.From) && h.From.Before(s.healthy.To) {
		s.healthy.From = h.From.UTC()
	}
	return s
}

// onsetOf is the earliest onset of what hurts; deployments hurt only by what follows them.
func onsetOf(req investigation.Request) time.Time {
	var first, deployed time.Time
	for _, t := range req.Triggers {
		at := &first
		if t.Kind == investigation.Deployment {
			at = &deployed
		}
		if !t.Onset.IsZero() && (at.IsZero() || t.Onset.Before(*at)) {
			*at = t.Onset
		}
	}
	onset := first
	if onset.IsZero() {
		onset = deployed
	}
	if onset.IsZero() || !onset.Before(req.Fault.To) {
		onset = req.Fault.From
	}
	return onset.UTC()
}

// times are the arguments a call may leave out.
func (s span) times() map[string]string {
	return map[string]string{
		"from": stamp(s.fault.From), "to": stamp(s.fault.To), "baseline_from": stamp(s.healthy.From), "baseline_to": stamp(s.healthy.To),
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
