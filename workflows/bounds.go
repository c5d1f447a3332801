package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/midwatch/midwatch/internal/investigation"
)

// Temporal ends a workflow that sends more than 2 MB at once, or whose history has more than 51,200 events or 50 MB. All that comes
// from outside is bounded, therefore, by its bytes and by its number.
const (
	// MaxFound bounds what one detector finds in one scan, in bytes: a scan sends what four of them found.
	MaxFound = 256 << 10
	// maxTriggerBytes bounds the triggers of a group, of all groups that wait, and of an incident.
	maxTriggerBytes = 512 << 10
	// maxState bounds what Intake carries over to its next run.
	maxState = 1 << 20
	// maxSignals and maxPassed bound what Intake passes on to one incident: signals, and bytes of triggers.
	maxSignals = 300
	maxPassed  = 4 << 20
	// maxJoins is how often an incident has late triggers stored; what comes later is counted.
	maxJoins = 200
)

// Fit keeps the triggers that tell most: the first, whose id an incident has, then the most severe, of those the earliest. It returns
// how many were left out.
func Fit(ts []investigation.Trigger, number, bytes int) (kept []investigation.Trigger, left int) {
	if len(ts) == 0 {
		return ts, 0
	}
	order := make([]int, len(ts)-1)
	for i := range order {
		order[i] = i + 1
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case ahead(ts[a], ts[b]):
			return -1
		case ahead(ts[b], ts[a]):
			return 1
		}
		return 0
	})
	chosen := []int{0}
	for _, i := range order {
		if bytes -= ts[chosen[len(chosen)-1]].Size(); len(chosen) >= number || bytes < ts[i].Size() {
			break
		}
		chosen = append(chosen, i)
	}
	slices.Sort(chosen)
	for _, i := range chosen {
		kept = append(kept, ts[i])
	}
	return kept, len(ts) - len(kept)
}

// least is the trigger that can be done without first, of at least two; never the first, which names the incident.
func least(ts []investigation.Trigger) int {
	worst := 1
	for i := 2; i < len(ts); i++ {
		if !ahead(ts[i], ts[worst]) {
			worst = i
		}
	}
	return worst
}

// shed leaves out what is too much of a group, and then of the largest ones as long as all together are. It returns false if what
// waits is too much nevertheless.
func (k *intake) shed(ctx workflow.Context, g *Group) bool {
	for len(g.Triggers) > 1 && (len(g.Triggers) > maxGroup || g.bytes() > maxTriggerBytes) {
		k.leaveOut(ctx, g)
	}
	for {
		total, largest := 0, -1
		for i := range k.Pending {
			total += k.Pending[i].bytes()
			if len(k.Pending[i].Triggers) > 2 && (largest < 0 || k.Pending[i].Bytes > k.Pending[largest].Bytes) {
				largest = i
			}
		}
		if total <= maxTriggerBytes || largest < 0 {
			return total <= maxTriggerBytes
		}
		k.leaveOut(ctx, &k.Pending[largest])
	}
}

func (k *intake) leaveOut(ctx workflow.Context, g *Group) {
	i := least(g.Triggers)
	k.drop(ctx, g.Triggers[i])
	g.Bytes -= g.Triggers[i].Size()
	g.Triggers = slices.Delete(g.Triggers, i, i+1)
	g.Dropped++
}

// bytes are those of a group's triggers; one that an older version carried over has not counted them.
func (g *Group) bytes() int {
	if g.Bytes == 0 {
		for _, t := range g.Triggers {
			g.Bytes += t.Size()
		}
	}
	return g.Bytes
}

// passes tells whether an incident may have one more trigger: one that has got very many learns nothing from the next.
func (k *intake) passes(o *OpenIncident, t investigation.Trigger) bool {
	if !k.bounds {
		return true
	}
	size := t.Size()
	if o.Signals >= maxSignals || o.Passed+size > maxPassed {
		return false
	}
	o.Passed += size
	return true
}

// fit makes a state small enough to be carried over. What is remembered goes first, oldest first; then what waits.
func (s *IntakeState) fit() {
	for n := 512; n > 0 && s.size() > maxState; n /= 2 {
		s.Seen = newest(s.Seen, 2*n)
		s.Open = newest(s.Open, n)
		for i := range s.Open {
			o := &s.Open[i]
			o.Triggers, o.Alarms, o.Services = newest(o.Triggers, n), newest(o.Alarms, n), oldest(o.Services, n)
			o.Subjects = oldest(o.Subjects, n)
			o.Late = oldest(o.Late, n/8)
		}
		for i := range s.Pending {
			s.Pending[i].Services, s.Pending[i].Watched = oldest(s.Pending[i].Services, n), newest(s.Pending[i].Watched, n)
		}
	}
	for n := 512; n > 0 && s.size() > maxState; n /= 2 {
		for _, g := range s.Pending[min(n, len(s.Pending)):] {
			s.Dropped += len(g.Triggers)
		}
		s.Pending = oldest(s.Pending, n)
		for i := range s.Pending {
			g := &s.Pending[i]
			kept, left := Fit(g.Triggers, n, maxTriggerBytes)
			g.Triggers, g.Bytes, g.Dropped, s.Dropped = kept, 0, g.Dropped+left, s.Dropped+left
		}
	}
}

// record is what one of a state's lists takes besides its texts, in bytes.
const record = 400

// size is what a state takes at most, in bytes of JSON.
func (s *IntakeState) size() int {
	n := record
	for _, seen := range s.Seen {
		n += investigation.TextSize(seen.ID) + 60
	}
	for i := range s.Pending {
		g := &s.Pending[i]
		n += record + g.bytes() + texts(g.Services) + texts(g.Watched)
	}
	for _, o := range s.Open {
		n += record + investigation.TextSize(o.Workflow) + texts(o.Triggers) + texts(o.Alarms) + texts(o.Services) + investigation.TextSize(string(o.Culprit))
		for _, s := range o.Subjects {
			n += 60 + investigation.TextSize(s.Name) + investigation.TextSize(s.Cause)
		}
		for _, t := range o.Late {
			n += t.Size()
		}
	}
	return n
}

func texts(list []string) (n int) {
	for _, s := range list {
		n += investigation.TextSize(s)
	}
	return n
}

func newest[T any](list []T, n int) []T { return list[max(0, len(list)-n):] }

func oldest[T any](list []T, n int) []T { return list[:min(n, len(list))] }

func ids(ts []investigation.Trigger) []string {
	all := make([]string, len(ts))
	for i, t := range ts {
		all[i] = t.ID
	}
	return all
}
