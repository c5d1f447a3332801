package workflows

import (
	"fmt"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
)

// maxLooks bounds how often an alarm that nobody explains is looked into again; the wait doubles each time.
const maxLooks = 5

// lookAgain places an alarm anew that goes on after its incident ended without a cause: what was too little to tell by then may be
// enough by now. The new incident has a trigger of its own, and watches those of the one before.
func (k *intake) lookAgain(t investigation.Trigger, now time.Time) {
	if !k.looksAgain || k.Again < 0 || k.remark(t) || len(k.Pending) >= maxPending {
		return
	}
	i := slices.IndexFunc(k.Open, func(o OpenIncident) bool { return o.Unexplained && slices.Contains(o.Triggers, t.ID) })
	if i < 0 {
		return
	}
	o := &k.Open[i]
	if o.Looks >= maxLooks || now.Sub(o.Ended) < k.Again<<o.Looks {
		return
	}
	if slices.ContainsFunc(k.Open, func(o OpenIncident) bool { return k.belongs(t, &o, now) }) {
		return // another incident looks into it, or has explained it
	}
	o.Unexplained = false
	looks := o.Looks + 1
	t.ID, t.Summary, t.At = fmt.Sprintf("%s-again%d", t.ID, looks), "Still: "+t.Summary, now
	k.Pending = append(k.Pending, Group{Triggers: []investigation.Trigger{t}, Services: o.Services, Since: now, Looks: looks, Watched: o.Triggers})
}

// unexplained tells whether an incident ended, by itself, without anybody knowing why it happened.
func (i *incident) unexplained(phase string) bool {
	return !i.cancelled && (phase == Failed || phase == Closed && i.result.Verdict != investigation.RootCause)
}
