// Package span says what analysts compare with what.
package span

import (
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
)

const (
	// onsetMargin is how far off a detector's onset may be.
	onsetMargin = 3 * time.Second
	// minFault is the least length of the fault window.
	minFault = 10 * time.Second
	// MaxHealthy is how much healthy time is compared with: further back, traffic may have been another.
	MaxHealthy = time.Minute
)

// Span is the fault from its onset, so that healthy seconds do not dilute it, and the healthy time right before. Times are UTC.
type Span struct {
	Onset          time.Time
	Fault, Healthy investigation.Window
}

// Of chooses what an investigation compares.
func Of(req investigation.Request) Span {
	s := Span{Onset: onsetOf(req)}
	s.Fault = investigation.Window{From: s.Onset, To: req.Fault.To.UTC()}
	if s.Fault.To.Sub(s.Fault.From) < minFault {
		s.Fault.From = s.Fault.To.Add(-minFault)
	}
	s.Healthy.To = s.Onset.Add(-onsetMargin)
	if s.Fault.From.Before(s.Healthy.To) {
		s.Healthy.To = s.Fault.From
	}
	s.Healthy.From = s.Healthy.To.Add(-MaxHealthy)
	if h := req.Healthy; h.From.Before(h.To) && h.From.After(s.Healthy.From) && h.From.Before(s.Healthy.To) {
		s.Healthy.From = h.From.UTC()
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
