package detect

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/rules"
)

// outcome is what became of one rule that was evaluated.
type outcome struct {
	rule   rules.Alert
	series int // that it holds for
	blind  bool
	raised []investigation.Trigger
	err    error // why it was not evaluated, or not wholly
}

// triggersOf are those of all rules, ordered by id.
func triggersOf(outcomes []outcome) []investigation.Trigger {
	var out []investigation.Trigger
	for _, o := range outcomes {
		out = append(out, o.raised...)
	}
	slices.SortFunc(out, func(a, b investigation.Trigger) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// failures are why rules were not evaluated, by name.
func failures(outcomes []outcome) map[string]error {
	failed := map[string]error{}
	for _, o := range outcomes {
		if o.err != nil {
			failed[o.rule.Name] = o.err
		}
	}
	return failed
}

// maxProblem bounds what is told of a rule that fails, in bytes.
const maxProblem = 300

// statesOf is what people are told of the rules.
func statesOf(outcomes []outcome, problem error, now time.Time) rules.States {
	all := rules.States{At: now.UTC(), Error: said(problem)}
	for _, o := range outcomes {
		all.Rules = append(all.Rules, rules.State{
			Name: o.rule.Name, Severity: severity(o.rule), Series: o.series, Raised: len(o.raised), Blind: o.blind, Error: said(o.err),
		})
	}
	slices.SortFunc(all.Rules, func(a, b rules.State) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func severity(a rules.Alert) investigation.Severity { return cmp.Or(a.Severity, investigation.Warning) }

func said(err error) string {
	if err == nil {
		return ""
	}
	return rules.Plain(err.Error(), maxProblem)
}

// states keeps what became of the rules in the last tick.
type states struct {
	mu   sync.Mutex
	last rules.States
}

func (s *states) set(last rules.States) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = last
}

// RuleStates is what became of the rules that people wrote when they were evaluated last; At is zero if they never were.
func (d *Detector) RuleStates() rules.States {
	d.states.mu.Lock()
	defer d.states.mu.Unlock()
	return d.states.last
}
