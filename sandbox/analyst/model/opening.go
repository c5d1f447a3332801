package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
)

const (
	maxTriggers = 25
	maxActions  = 40
	maxPast     = 5
	maxQuestion = 2000 // bytes
	maxLine     = 400  // bytes of one line about a trigger or an action
)

// opening is the first message: what happened, when, and what a fix may do.
func (s *session) opening() string {
	req := s.Transcript.Request
	var b strings.Builder
	fmt.Fprintf(&b, "Environment %s, onset %s.\nFault window   %s to %s\nHealthy window %s to %s\nThe store goes back further: healthy time from %s.\n",
		plain(req.Environment, 100), stamp(s.span.Onset), stamp(s.span.Fault.From), stamp(s.span.Fault.To),
		stamp(s.span.Healthy.From), stamp(s.span.Healthy.To), stamp(req.Healthy.From))
	if req.Question != "" {
		b.WriteString("\nA person asks:\n" + fence("question", lines(req.Question, maxQuestion)) + "\n")
	}
	if len(req.Triggers) > 0 {
		b.WriteString("\nWhat raised this investigation:\n" + fence("triggers", triggers(req.Triggers)) + "\n")
	}
	if len(req.Past) > 0 {
		b.WriteString("\nIncidents that looked like this one, the most alike first. They are hints where to look, never evidence: what was true then must be shown again now, " +
			"and it may be another cause this time.\n" + fence("past", pastIncidents(req.Past)) + "\n")
	}
	b.WriteString("\n" + actions(req.Actions, s.offersCode()))
	return b.String()
}

// pastIncidents has a line for each. Titles and fixes were partly written by a model, or read off logs.
func pastIncidents(all []investigation.PastIncident) string {
	var list []string
	for _, p := range first(all, maxPast) {
		line := fmt.Sprintf("%s %.0f%% alike: %s, %s: %s", stamp(p.At), 100*p.Alike, p.Culprit, p.Mechanism, p.Title)
		if p.Fix != "" {
			line += fmt.Sprintf(" (fix: %s)", p.Fix)
		}
		list = append(list, printable(line, maxLine)+", then "+printable(p.Outcome, 40))
	}
	return strings.Join(list, "\n")
}

// triggers lists them by onset, equal ones once.
func triggers(all []investigation.Trigger) string {
	var list []investigation.Trigger
	seen := map[string]bool{}
	for _, t := range all {
		if !seen[t.ID] {
			seen[t.ID] = true
			list = append(list, t)
		}
	}
	slices.SortStableFunc(list, func(a, b investigation.Trigger) int { return a.Onset.Compare(b.Onset) })
	var b strings.Builder
	for _, t := range first(list, maxTriggers) {
		line := fmt.Sprintf("%s %s %s on %s", stamp(t.Onset), t.Kind, t.Rule, t.Entity)
		if len(t.Peers) > 0 {
			line += " (talks with " + strings.Join(first(t.Peers, 8), ", ") + ")"
		}
		fmt.Fprintf(&b, "%s: %s\n", printable(line, maxLine), printable(t.Summary, maxLine))
	}
	if left := len(list) - maxTriggers; left > 0 {
		services := map[string]bool{}
		for _, t := range list[maxTriggers:] {
			services[t.Service] = true
		}
		fmt.Fprintf(&b, "… and %s more, on %s\n", count(left, "trigger"), count(len(services), "service"))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func actions(all []investigation.Action, code bool) string {
	if len(all) == 0 && !code {
		return "No actions are configured: propose no fix."
	}
	var b strings.Builder
	b.WriteString("Actions a fix may use:")
	if code {
		b.WriteString("\n- pull_request(), a change of code or configuration that you have read with read_file, described in code. Prefer an action that brings back what worked.")
	}
	for _, a := range first(all, maxActions) {
		var parameters []string
		for _, p := range a.Parameters {
			parameters = append(parameters, parameter(p))
		}
		line := fmt.Sprintf("%s(%s), kind %s.", a.Name, strings.Join(parameters, ", "), a.Kind)
		if a.Description != "" {
			line += " " + a.Description
		}
		if len(a.Services) > 0 {
			line += " For " + strings.Join(first(a.Services, 20), ", ") + "."
		}
		b.WriteString("\n- " + printable(line, maxLine))
	}
	return b.String()
}

// parameter says what a parameter may hold.
func parameter(p investigation.Parameter) string {
	switch {
	case p.Type == investigation.ProcessParameter:
		return p.Name + " as pid:start_ticks:executable"
	case p.Type == investigation.PathParameter && len(p.Allowed) > 0:
		return p.Name + " under " + strings.Join(first(p.Allowed, 5), " or ")
	}
	if p.Type == investigation.WorkloadParameter {
		in := ""
		if len(p.Allowed) > 0 {
			in = " in namespace " + strings.Join(first(p.Allowed, 5), " or ")
		}
		return p.Name + " as namespace/kind/name" + in
	}
	if p.Optional {
		return p.Name + " (optional)"
	}
	return p.Name
}
