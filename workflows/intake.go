package workflows

import (
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/workflow"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
)

const (
	// slotLife frees the place of an incident that never reported back, because somebody terminated it.
	slotLife = 10 * time.Minute
	// aftermath is how long after a report, or after a fix was seen to the end, a condition may have begun and still belong to it.
	aftermath = 15 * time.Second
	// maxSeen and maxPending bound the state; past them the oldest is forgotten or the newest dropped, and logged.
	maxSeen    = 2000
	maxPending = 200
	maxGroup   = 1000 // triggers of a group
	maxParcel  = 100  // triggers of one signal
	maxLate    = 50   // triggers kept in case that an incident finds no cause
	maxKnown   = 1000 // ids, alarms and services of an incident or a group
)

// IntakeState is all that Intake knows, and what continue-as-new carries.
type IntakeState struct {
	Seen    []SeenTrigger  `json:"seen"`    // oldest first
	Pending []Group        `json:"pending"` // not started yet: still gathering, or queued behind others
	Open    []OpenIncident `json:"open"`    // started, and ended not longer ago than the cool-down
	Dropped int            `json:"dropped"` // triggers that were too many, or too much
}

// SeenTrigger remembers a trigger, so that the same condition does not start twice.
type SeenTrigger struct {
	ID string    `json:"id"`
	At time.Time `json:"at"` // last seen
}

// Group is triggers that belong together.
type Group struct {
	Triggers []investigation.Trigger `json:"triggers"`
	Services []string                `json:"services"`
	Since    time.Time               `json:"since"`
	Bytes    int                     `json:"bytes,omitempty"`   // of the triggers; 0: not counted yet
	Dropped  int                     `json:"dropped,omitempty"` // triggers left out
	Looks    int                     `json:"looks,omitempty"`   // how often it was looked into already, in vain
	Watched  []string                `json:"watched,omitempty"` // ids of the triggers of those times
}

// OpenIncident is an incident as Intake sees it.
type OpenIncident struct {
	Workflow string   `json:"workflow"`
	Triggers []string `json:"triggers"` // ids
	Alarms   []string `json:"alarms"`   // rule and service of each trigger: the same condition under another id
	Services []string `json:"services"`
	// Subjects are what its triggers are about; none: an older version opened it, which did not tell them apart.
	Subjects []Subject `json:"subjects,omitempty"`
	Asked    bool      `json:"asked,omitempty"` // a person's question, which takes no triggers
	Baking   bool      `json:"baking"`          // a DeploymentVerification that has not begun to investigate
	Phase    string    `json:"phase"`           // as last reported
	Started  time.Time `json:"started"`
	LastSeen time.Time `json:"last_seen"` // of any of its triggers
	// Explained is when a report named its cause or, later, when its fix was seen to the end: what began after that is news.
	Explained time.Time        `json:"explained,omitzero"`
	Culprit   telemetry.Entity `json:"culprit,omitempty"` // that the report names
	// Mechanism is how the culprit failed.
	Mechanism investigation.Mechanism `json:"mechanism,omitempty"`
	// Settles is until when what joins it is looked into as well.
	Settles time.Time `json:"settles,omitzero"`
	// Late came after it was started. If its report finds no cause, they have not had their investigation.
	Late  []investigation.Trigger `json:"late,omitempty"`
	Ended time.Time               `json:"ended,omitzero"`
	// Unexplained is set once it ended without a cause: alarms of its that go on are looked into again.
	Unexplained bool `json:"unexplained,omitempty"`
	Looks       int  `json:"looks,omitempty"`
	// Signals and Passed are what was passed on to it: how often, and bytes of triggers.
	Signals int `json:"signals,omitempty"`
	Passed  int `json:"passed,omitempty"`
}

// Intake collects the triggers of one environment, joins those that belong together, and starts at most so many
// incidents at once, the most severe first. It never ends.
func Intake(ctx workflow.Context, in IntakeInput) error {
	k := &intake{environment: in.Environment, given: in.Policy, Policy: in.Policy.orDefault(), IntakeState: in.State}
	k.merges = workflow.GetVersion(ctx, "merges-groups", workflow.DefaultVersion, 1) >= 1
	k.looksAgain = workflow.GetVersion(ctx, "looks-again", workflow.DefaultVersion, 1) >= 1
	k.bounds = workflow.GetVersion(ctx, "bounds-late-triggers", workflow.DefaultVersion, 1) >= 1
	k.apart = workflow.GetVersion(ctx, "tells-complaints-apart", workflow.DefaultVersion, 1) >= 1
	if err := workflow.SetQueryHandler(ctx, StateQuery, func() (IntakeState, error) { return k.IntakeState, nil }); err != nil {
		return err
	}
	for !workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
		k.wait(ctx)
		k.dispatch(ctx)
		k.forget(workflow.Now(ctx))
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	k.drain(ctx)
	k.fit()
	return workflow.NewContinueAsNewError(ctx, IntakeWorkflow, IntakeInput{Environment: k.environment, Policy: k.given, State: k.IntakeState})
}

type intake struct {
	environment string
	given       Policy // as it came: defaults are not frozen by continue-as-new
	Policy
	IntakeState
	// merges is false for what began when groups stayed apart, and when late triggers went to their incident one by one.
	merges bool
	// looksAgain is false for what began when an alarm was looked into once, however long it went on.
	looksAgain bool
	// bounds is false for what began when an incident got every late trigger.
	bounds bool
	// apart is false for what began when whatever shared a service was one, and when what an incident had looked into could be late.
	apart bool
	// parcels are triggers on their way to open incidents, in one signal each.
	parcels []parcel
}

// parcel is triggers that one incident gets together.
type parcel struct {
	workflow string
	triggers []investigation.Trigger
}

// wait returns when a signal came, a group became due or somebody cancelled.
func (k *intake) wait(ctx workflow.Context) {
	s := workflow.NewSelector(ctx)
	s.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {})
	ctx, cancel := workflow.WithCancel(ctx)
	defer cancel() // the timer
	s.AddReceive(workflow.GetSignalChannel(ctx, TriggerSignal), func(workflow.ReceiveChannel, bool) {})
	s.AddReceive(workflow.GetSignalChannel(ctx, ProgressSignal), func(workflow.ReceiveChannel, bool) {})
	if d, ok := k.due(workflow.Now(ctx)); ok {
		s.AddFuture(workflow.NewTimer(ctx, d), func(workflow.Future) {})
	}
	s.Select(ctx)
	k.drain(ctx)
}

// drain takes every signal that is there, and what comes while others are passed on.
func (k *intake) drain(ctx workflow.Context) {
	for {
		var p Progress
		for workflow.GetSignalChannel(ctx, ProgressSignal).ReceiveAsync(&p) {
			for _, t := range k.progress(p, workflow.Now(ctx)) {
				k.place(ctx, t)
			}
			p = Progress{}
		}
		for {
			var ts []investigation.Trigger
			if !workflow.GetSignalChannel(ctx, TriggerSignal).ReceiveAsync(&ts) {
				break
			}
			for _, t := range ts {
				k.take(ctx, t.Bounded())
			}
		}
		if len(k.parcels) == 0 {
			return
		}
		k.send(ctx)
	}
}

// send hands parcels to their incidents. What an incident that is gone was to have is placed anew.
func (k *intake) send(ctx workflow.Context) {
	parcels := k.parcels
	k.parcels = nil
	for _, p := range parcels {
		if i := slices.IndexFunc(k.Open, func(o OpenIncident) bool { return o.Workflow == p.workflow }); i >= 0 {
			k.Open[i].Signals++
		}
		err := workflow.SignalExternalWorkflow(ctx, p.workflow, "", TriggerSignal, p.triggers).Get(ctx, nil)
		if err == nil || ctx.Err() != nil {
			continue
		}
		if i := slices.IndexFunc(k.Open, func(o OpenIncident) bool { return o.Workflow == p.workflow }); i >= 0 {
			k.Open[i].Ended, k.Open[i].Phase, k.Open[i].Explained = workflow.Now(ctx), Closed, time.Time{}
		}
		for _, t := range p.triggers {
			k.place(ctx, t)
		}
	}
}

// pack adds a trigger to the parcel of an incident.
func (k *intake) pack(t investigation.Trigger, id string) {
	i := slices.IndexFunc(k.parcels, func(p parcel) bool { return p.workflow == id && len(p.triggers) < maxParcel })
	if i < 0 {
		i, k.parcels = len(k.parcels), append(k.parcels, parcel{workflow: id})
	}
	k.parcels[i].triggers = append(k.parcels[i].triggers, t)
}

// due is how long until a gathering group is complete or a lost slot comes free; ok is false when nothing is pending.
func (k *intake) due(now time.Time) (d time.Duration, ok bool) {
	for _, g := range k.Pending {
		at := g.Since.Add(k.Debounce)
		if !at.After(now) { // complete, but all places are taken
			at = now.Add(slotLife)
			for _, o := range k.Open {
				if free := o.Started.Add(slotLife); o.Ended.IsZero() && free.After(now) && free.Before(at) {
					at = free
				}
			}
		}
		if left := at.Sub(now); !ok || left < d {
			d, ok = left, true
		}
	}
	return d, ok
}

// take puts a trigger where it belongs: nowhere if it was seen before, else to an incident or a group, if need be a new one.
func (k *intake) take(ctx workflow.Context, t investigation.Trigger) {
	if now := workflow.Now(ctx); k.seen(t.ID, now) {
		k.lookAgain(t, now)
		return
	}
	if !k.place(ctx, t) {
		k.Seen = k.Seen[:len(k.Seen)-1] // it may be part of something later
	}
}

// place finds the incident or the group of a trigger. It returns false if there is none and none is to be made of it.
func (k *intake) place(ctx workflow.Context, t investigation.Trigger) bool {
	now := workflow.Now(ctx)
	if t.Kind != investigation.Manual && k.joins(ctx, t, now) { // whoever asks gets an investigation of their own
		return true
	}
	if k.remark(t) {
		return false
	}
	if len(k.Pending) >= maxPending {
		k.drop(ctx, t)
		return true
	}
	k.Pending = append(k.Pending, Group{Triggers: []investigation.Trigger{t}, Services: k.touches(t), Since: now})
	if last := len(k.Pending) - 1; !k.shed(ctx, &k.Pending[last]) {
		k.Pending = slices.Delete(k.Pending, last, last+1)
		k.drop(ctx, t)
	}
	return true
}

// joins adds a trigger to the incident or the group that it belongs to, if there is one.
func (k *intake) joins(ctx workflow.Context, t investigation.Trigger, now time.Time) bool {
	for i := range k.Open {
		if o := &k.Open[i]; k.belongs(t, o, now) && k.join(ctx, t, o, now) {
			return true
		}
	}
	i := slices.IndexFunc(k.Pending, func(g Group) bool { return k.concerns(g, t) })
	if i < 0 {
		return false
	}
	k.gather(ctx, &k.Pending[i], t)
	k.merge(ctx, i, t)
	return true
}

// merge joins to a group the later ones that its new trigger belongs to as well: it shows that they are one.
func (k *intake) merge(ctx workflow.Context, into int, t investigation.Trigger) {
	if !k.merges {
		return
	}
	for i := len(k.Pending) - 1; i > into; i-- {
		if g := k.Pending[i]; k.concerns(g, t) && k.one(k.Pending[into], g) {
			for _, t := range g.Triggers {
				k.gather(ctx, &k.Pending[into], t)
			}
			k.Pending[into].Dropped += g.Dropped
			k.Pending[into].Looks, k.Pending[into].Watched = max(k.Pending[into].Looks, g.Looks), union(k.Pending[into].Watched, g.Watched)
			if g.Since.Before(k.Pending[into].Since) {
				k.Pending[into].Since = g.Since
			}
			k.Pending = slices.Delete(k.Pending, i, i+1)
		}
	}
}

// gather adds a trigger to the group it belongs to. What is too much is left out, the least telling first.
func (k *intake) gather(ctx workflow.Context, g *Group, t investigation.Trigger) {
	g.Bytes = g.bytes() + t.Size()
	g.Triggers, g.Services = append(g.Triggers, t), oldest(union(g.Services, k.touches(t)), maxKnown)
	k.shed(ctx, g)
}

func (k *intake) drop(ctx workflow.Context, t investigation.Trigger) {
	k.Dropped++
	workflow.GetLogger(ctx).Warn("trigger dropped, too many are waiting", "trigger", t.ID)
}

// seen tells whether a trigger is known, and remembers it either way.
func (k *intake) seen(id string, now time.Time) bool {
	for i := range k.Open {
		if slices.Contains(k.Open[i].Triggers, id) {
			k.Open[i].LastSeen = now
		}
	}
	i := slices.IndexFunc(k.Seen, func(s SeenTrigger) bool { return s.ID == id })
	if i >= 0 {
		k.Seen = slices.Delete(k.Seen, i, i+1)
	}
	k.Seen = append(k.Seen, SeenTrigger{ID: id, At: now})
	return i >= 0
}

// join hands a trigger to an incident. It returns false if the incident's workflow is gone.
func (k *intake) join(ctx workflow.Context, t investigation.Trigger, o *OpenIncident, now time.Time) bool {
	if o.Ended.IsZero() && !k.passes(o, t) {
		k.drop(ctx, t)
	} else if o.Ended.IsZero() && k.merges {
		k.pack(t, o.Workflow)
	} else if o.Ended.IsZero() {
		if err := workflow.SignalExternalWorkflow(ctx, o.Workflow, "", TriggerSignal, []investigation.Trigger{t}).Get(ctx, nil); err != nil {
			o.Ended, o.Phase = now, Closed
			return false
		}
	}
	o.Triggers, o.Alarms = newest(append(o.Triggers, t.ID), maxKnown), newest(union(o.Alarms, []string{k.alarm(t)}), maxKnown)
	o.Services, o.LastSeen = oldest(union(o.Services, k.touches(t)), maxKnown), now
	if k.apart {
		o.Subjects = oldest(union(o.Subjects, []Subject{subjectOf(t)}), maxKnown)
	}
	if o.Phase == Investigating && len(o.Late) < maxLate && (!k.apart || !now.Before(o.Settles)) {
		o.Late = append(o.Late, t)
	}
	return true
}

// progress takes note of how far an incident is. It returns the triggers that it joined and did not explain.
func (k *intake) progress(p Progress, now time.Time) (unexplained []investigation.Trigger) {
	i := slices.IndexFunc(k.Open, func(o OpenIncident) bool { return o.Workflow == p.Workflow })
	if i < 0 {
		return nil
	}
	o := &k.Open[i]
	switch {
	case moving(p.Phase): // a fix may shake what it mends
		o.LastSeen = now
		k.handedOver(o, p, now)
	case p.Explained || o.Phase == Applying || o.Phase == Verifying:
		unexplained = k.unaccounted(o, p)
		o.Explained, o.Late = now, nil
	case o.Phase == Investigating:
		unexplained, o.Late = o.Late, nil
	}
	o.Phase, o.Baking, o.Unexplained = p.Phase, false, p.Unexplained
	if p.Phase == Resolved || p.Phase == Closed || p.Phase == Failed {
		o.Ended = now
	}
	return unexplained
}

// dispatch starts complete groups, the most severe first, as far as places go.
func (k *intake) dispatch(ctx workflow.Context) {
	now := workflow.Now(ctx)
	slices.SortStableFunc(k.Pending, func(a, b Group) int {
		return rank(leading(b.Triggers).Severity) - rank(leading(a.Triggers).Severity)
	})
	k.Pending = slices.DeleteFunc(k.Pending, func(g Group) bool {
		complete := manual(g.Triggers) || now.Sub(g.Since) >= k.Debounce
		if !complete || k.busy(onlyDeployments(g.Triggers), now) >= k.Concurrent {
			return false
		}
		k.start(ctx, g, now)
		return true
	})
}

// busy counts incidents that are being investigated or, apart from them, deployments that bake.
func (k *intake) busy(baking bool, now time.Time) int {
	n := 0
	for _, o := range k.Open {
		if o.Baking == baking && o.Ended.IsZero() && now.Sub(o.Started) < slotLife && (o.Phase == Investigating || o.Baking) {
			n++
		}
	}
	return n
}

func (k *intake) start(ctx workflow.Context, g Group, now time.Time) {
	first := g.Triggers[0].ID
	name, id, phase := IncidentWorkflow, IncidentWorkflowID(k.environment, first), Collecting
	baking := onlyDeployments(g.Triggers)
	if baking {
		name, id, phase = DeploymentWorkflow, DeploymentWorkflowID(k.environment, first), Baking
	}
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            id,
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON, // Intake continues as new, incidents go on
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		TypedSearchAttributes: attributesOf(g.Triggers, phase),
		StaticSummary:         line(leading(g.Triggers).Summary),
	})
	err := workflow.ExecuteChildWorkflow(ctx, name, IncidentInput{
		Environment: k.environment, Policy: k.given, Triggers: g.Triggers, Workflow: id, Dropped: g.Dropped,
	}).GetChildWorkflowExecution().Get(ctx, nil)
	if err != nil { // the id is taken: this trigger had its incident already
		workflow.GetLogger(ctx).Warn("incident not started", "workflow", id, "error", err)
		return
	}
	o := OpenIncident{Workflow: id, Services: g.Services, Asked: manual(g.Triggers), Baking: baking, Phase: Investigating, Started: now, LastSeen: now}
	o.Triggers, o.Looks = slices.Clone(g.Watched), g.Looks
	for _, t := range g.Triggers {
		o.Triggers, o.Alarms = append(o.Triggers, t.ID), union(o.Alarms, []string{k.alarm(t)})
	}
	if k.apart {
		o.Subjects = oldest(subjects(g.Triggers), maxKnown)
		if !baking && !o.Asked {
			o.Settles = now.Add(k.Settle)
		}
	}
	k.Open = append(k.Open, o)
}

// forget drops what is older than the cool-down.
func (k *intake) forget(now time.Time) {
	k.Open = slices.DeleteFunc(k.Open, func(o OpenIncident) bool {
		return !o.Ended.IsZero() && now.Sub(o.Ended) > k.CoolDown && now.Sub(o.LastSeen) > k.CoolDown
	})
	k.Seen = slices.DeleteFunc(k.Seen, func(s SeenTrigger) bool { return now.Sub(s.At) > k.CoolDown })
	if over := len(k.Seen) - maxSeen; over > 0 {
		k.Seen = slices.Delete(k.Seen, 0, over)
	}
}

// report tells Intake how far an incident is. Without an Intake (a workflow started by hand) nobody needs to know.
func report(ctx workflow.Context, environment string, p Progress) {
	err := workflow.SignalExternalWorkflow(ctx, IntakeID(environment), "", ProgressSignal, p).Get(ctx, nil)
	if err != nil {
		workflow.GetLogger(ctx).Debug("progress not reported", "error", err)
	}
}
