package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"
)

// maxReminders bounds how often people are told the same, where nothing is escalated.
const maxReminders = 8

// nag is one word to people who have not decided.
type nag struct {
	after time.Duration // since the fix began to wait
	event Event
}

// nags lists when people are told that a fix still waits: again and again until it is escalated, then no more.
func (r *remediation) nags() []nag {
	if !r.tells {
		return nil
	}
	var list []nag
	end := r.Approval
	if r.Escalate > 0 && r.Escalate < end {
		end = r.Escalate
	}
	if r.Remind > 0 {
		for after := r.Remind; after < end && len(list) < maxReminders; after += r.Remind {
			list = append(list, nag{after, ApprovalReminder})
		}
	}
	if end == r.Escalate {
		list = append(list, nag{end, ApprovalOverdue})
	}
	return list
}

// next is a timer for the first of some nags, nil when there is none.
func (r *remediation) next(ctx workflow.Context, nags []nag) workflow.Future {
	if len(nags) == 0 {
		return nil
	}
	wait := nags[0].after - workflow.Now(ctx).Sub(r.began)
	return workflow.NewTimerWithOptions(ctx, max(0, wait), workflow.TimerOptions{Summary: line(string(nags[0].event) + " after " + brief(nags[0].after))})
}

func (r *remediation) nag(ctx workflow.Context, n nag) {
	text := fmt.Sprintf("A fix has waited %s for approval", brief(n.after))
	if r.Fix.Needed > 1 {
		text += fmt.Sprintf(" (%d people have to approve)", r.Fix.Needed)
	}
	tell(ctx, text+": "+r.Fix.Content)
	r.announce(ctx, n.event, text+": "+r.Fix.Content)
}

// announce tells whoever is on call, without waiting for it.
func (r *remediation) announce(ctx workflow.Context, event Event, text string) {
	if r.tells {
		r.told = append(r.told, call(ctx, AnnounceActivity, text, Announcement{Incident: r.Fix.Incident, Event: event, Fix: r.Fix.ID, Line: text}))
	}
}

// deliver waits until everybody was told or it was given up: what a workflow leaves behind when it ends is not tried again.
func deliver(ctx workflow.Context, of string, told []workflow.Future) {
	if workflow.GetVersion(ctx, "delivers-announcements", workflow.DefaultVersion, 1) < 1 {
		return
	}
	for _, told := range told {
		if err := told.Get(ctx, nil); err != nil {
			workflow.GetLogger(ctx).Warn("announcement not delivered", "of", of, "error", err)
		}
	}
}

// brief is a duration as people say it: "15m", "1h", "1h30m".
func brief(d time.Duration) string {
	d = d.Round(time.Second)
	h, m, s := d/time.Hour, d%time.Hour/time.Minute, d%time.Minute/time.Second
	text := ""
	for _, part := range []struct {
		n    time.Duration
		unit string
	}{{h, "h"}, {m, "m"}, {s, "s"}} {
		if part.n > 0 {
			text += fmt.Sprintf("%d%s", part.n, part.unit)
		}
	}
	return text
}
