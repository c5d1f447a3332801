package workflows

import (
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
)

// anyService relates to every service: a trigger about a whole host.
const anyService = "*"

func rank(s investigation.Severity) int {
	switch s {
	case investigation.Critical:
		return 2
	case investigation.Warning:
		return 1
	default:
		return 0
	}
}

// leading is the trigger that stands for a group: the most severe, of those the earliest to begin.
func leading(ts []investigation.Trigger) investigation.Trigger {
	best := ts[0]
	for _, t := range ts[1:] {
		if ahead(t, best) {
			best = t
		}
	}
	return best
}

// ahead tells whether a trigger says more than another: it is more severe, or as severe and earlier.
func ahead(a, b investigation.Trigger) bool {
	if rank(a.Severity) != rank(b.Severity) {
		return rank(a.Severity) > rank(b.Severity)
	}
	return began(a).Before(began(b))
}

// began is when a trigger's condition began, as far as anyone can tell.
func began(t investigation.Trigger) time.Time {
	if t.Onset.IsZero() {
		return t.At
	}
	return t.Onset
}

// onset is when the first of several triggers began. A deployment only counts where nothing is known to be wrong: it may
// have been well for long, or have nothing to do with what went wrong after it.
func onset(ts []investigation.Trigger) time.Time {
	var first time.Time
	for _, t := range ts {
		if t.Kind == investigation.Deployment && !onlyDeployments(ts) {
			continue
		}
		if first.IsZero() || began(t).Before(first) {
			first = began(t)
		}
	}
	return first
}

// touches lists the services a trigger is about: its own and those at the other end of its calls.
func touches(t investigation.Trigger) []string {
	if t.Service == "" {
		return []string{anyService}
	}
	return append([]string{t.Service}, t.Peers...)
}

// alarm names what a trigger says, whenever it says it.
func alarm(t investigation.Trigger) string { return t.Rule + "/" + t.Service }

// related tells whether two sets of services share one.
func related(a, b []string) bool {
	if slices.Contains(a, anyService) || slices.Contains(b, anyService) {
		return true
	}
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// union adds to a set what it does not have.
func union[T comparable](set, more []T) []T {
	for _, s := range more {
		if !slices.Contains(set, s) {
			set = append(set, s)
		}
	}
	return set
}

// onlyDeployments tells whether nothing is known to be wrong: something was deployed, that is all.
func onlyDeployments(ts []investigation.Trigger) bool {
	return !slices.ContainsFunc(ts, func(t investigation.Trigger) bool { return t.Kind != investigation.Deployment })
}

// manual tells whether a person asked.
func manual(ts []investigation.Trigger) bool {
	return slices.ContainsFunc(ts, func(t investigation.Trigger) bool { return t.Kind == investigation.Manual })
}
