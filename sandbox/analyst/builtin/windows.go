package builtin

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
	// rightBefore is how long before the onset a change can be to have caused it: what a new version or setting breaks, it
	// breaks with the first requests. Reports of changes are some seconds late, hence the time after it.
	rightBefore, rightAfter = 30 * time.Second, 10 * time.Second
	// changeLookback is how long before the onset changes are looked for.
	changeLookback = 5 * time.Minute
)

// windows chooses what to compare: the fault from its onset, so that healthy seconds do not dilute it, and the healthy time
// right before.
func windows(req investigation.Request) (onset time.Time, fault, healthy investigation.Window) {
	onset = onsetOf(req)
	fault = investigation.Window{From: onset, To: req.Fault.To}
	if fault.To.Sub(fault.From) < minFault {
		fault.From = fault.To.Add(-minFault)
	}
	healthy.To = earlier(onset.Add(-onsetMargin), fault.From)
	healthy.From = healthy.To.Add(-maxHealthy)
	if req.Healthy.From.Before(req.Healthy.To) && req.Healthy.From.After(healthy.From) && req.Healthy.From.Before(healthy.To) {
		healthy.From = req.Healthy.From
	}
	return onset, fault, healthy
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

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
