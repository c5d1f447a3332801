package builtin

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
)

// Version names this analyst in reports.
const Version = "builtin/1"

// Step decides what comes next. It returns an error only if the transcript itself cannot be read.
func Step(t investigation.Transcript) (investigation.Step, error) {
	f, err := read(t)
	if err != nil {
		return investigation.Step{}, err
	}
	if !t.LastTurn {
		switch len(t.Turns) {
		case 0:
			return f.firstTurn(), nil
		case 1:
			if s := f.secondTurn(); len(s.Calls) > 0 {
				return s, nil
			}
		}
	}
	report := f.conclude()
	return investigation.Step{Say: report.Title, Report: &report}, nil
}

// asker collects the calls of one turn.
type asker struct {
	turn  int
	calls []investigation.ToolCall
}

func (a *asker) ask(tool, why string, arguments map[string]any) {
	b, err := json.Marshal(arguments)
	if err != nil {
		panic(fmt.Sprintf("arguments are strings, numbers and times: %v", err))
	}
	a.calls = append(a.calls, investigation.ToolCall{
		ID: fmt.Sprintf("t%dc%d", a.turn, len(a.calls)+1), Tool: tool, Arguments: b, Why: why,
	})
}

func (f *facts) firstTurn() investigation.Step {
	a := asker{turn: 1}
	a.ask("compare_windows", "Which services, operations and calls differ from healthy time?", f.compared(nil))
	a.ask("recent_changes", "What was deployed, started, stopped or killed around the onset?", map[string]any{
		"from": f.onset.Add(-f.lookback()), "to": f.fault.To,
	})
	a.ask("service_edges", "Who calls whom?", map[string]any{"from": f.healthy.From, "to": f.fault.To})
	a.ask("host_resources", "Is the machine short of anything, and who uses it?", f.compared(nil))
	return investigation.Step{
		Say: fmt.Sprintf("Comparing %s to %s with healthy time before, and looking for changes.",
			f.fault.From.Format(time.TimeOnly), f.fault.To.Format(time.TimeOnly)),
		Calls: a.calls,
	}
}

// secondTurn asks what the suspects call for; no calls when there is nothing to ask.
func (f *facts) secondTurn() investigation.Step {
	a := asker{turn: 2}
	if f.comparison == nil {
		a.ask("compare_windows", "The comparison did not answer; asking once more.", f.compared(nil))
	}
	suspects := f.suspectNames()
	if len(suspects) == 0 && !f.alarmed() && f.comparison != nil {
		return investigation.Step{}
	}
	a.ask("process_resources", "Does a process grow, wait for a core, or hold its connections?", f.compared(nil))
	if f.usesDatabases() {
		a.ask("statements", "Which statements became slow or fail?", f.compared(nil))
	}
	if f.anyFailing() {
		a.ask("failing_spans", "How exactly do requests fail?", f.compared(nil))
	}
	f.askCluster(&a)
	for _, s := range suspects[:min(len(suspects), 2)] {
		a.ask("search_logs", fmt.Sprintf("What does %s itself say that it did not say before?", s), f.compared(map[string]any{"service": s}))
	}
	say := "No service differs yet; looking at processes, because something raised an alarm."
	if w, asked := f.someAsked(); asked && len(f.suspects) == 0 {
		say = fmt.Sprintf("Looking at the pods and the changes of %s, which the question is about.", w)
	} else if len(suspects) > 0 {
		say = fmt.Sprintf("It seems to begin at %s; asking what would tell the causes apart.", join(suspects))
	}
	return investigation.Step{Say: say, Calls: a.calls}
}

// lookback is how long before the onset changes are looked for.
func (f *facts) lookback() time.Duration {
	if _, asked := f.someAsked(); asked && f.clustered() {
		return askedLookback
	}
	if f.clustered() {
		return rolloutLookback
	}
	return changeLookback
}

// askCluster asks about the workloads that triggers name.
func (f *facts) askCluster(a *asker) {
	if !f.clustered() {
		return
	}
	pending := false
	for _, w := range f.workloads() {
		a.ask("kubernetes_list", fmt.Sprintf("How do the pods of %s do?", w), map[string]any{"kind": "pods", "namespace": w.namespace, "workload": w.name, "at": f.fault.To})
		a.ask("kubernetes_events", fmt.Sprintf("What does the cluster say about %s?", w), map[string]any{
			"namespace": w.namespace, "workload": w.name, "from": f.onset.Add(-changeLookback), "to": f.fault.To,
		})
		_, waits := f.raised(w, "pending", "evicted")
		pending = pending || waits || f.asked(w)
	}
	if pending {
		a.ask("kubernetes_list", "Do the nodes take pods?", map[string]any{"kind": "nodes", "at": f.fault.To})
	}
}

// compared are the arguments of a tool that compares the fault with healthy time.
func (f *facts) compared(more map[string]any) map[string]any {
	arguments := map[string]any{
		"from": f.fault.From, "to": f.fault.To, "baseline_from": f.healthy.From, "baseline_to": f.healthy.To,
	}
	for k, v := range more {
		arguments[k] = v
	}
	return arguments
}
