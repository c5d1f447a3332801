package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/sandbox/check"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// judge makes a report consistent and finds what the model should mend before it counts. A verdict that lacks what it
// needs becomes inconclusive.
func (s *session) judge(r *reading, n int, report *investigation.Report) {
	if len(report.Title) == 0 || len(report.Summary) == 0 {
		r.fault(n, "title and summary must not be empty.")
	}
	switch report.Verdict {
	case investigation.RootCause:
		for _, wrong := range s.unfounded(*report) {
			r.fault(n, "%s", wrong)
			doubt(report, wrong)
		}
	case investigation.Inconclusive:
	case investigation.NoProblem:
		if len(report.Chain) == 0 {
			const wrong = "no_problem needs claims: what was looked at, and that it is as before."
			r.fault(n, wrong)
			doubt(report, wrong)
		} else if !reads(*report) {
			const wrong = "no_problem needs a check that reads evidence: saying so is not enough."
			r.fault(n, wrong)
			doubt(report, wrong)
		}
	default:
		wrong := fmt.Sprintf("verdict is %q; it is one of root_cause, no_problem, inconclusive.", plain(string(report.Verdict), 40))
		r.fault(n, "%s", wrong)
		doubt(report, wrong)
	}
	if report.Verdict == investigation.Inconclusive && len(report.Missing) == 0 {
		r.fault(n, "An inconclusive report must name the data that is missing.")
		report.Missing = append(report.Missing, "the model did not say what")
	}
	if report.Verdict != investigation.RootCause {
		report.Culprit, report.Mechanism = "", ""
	}
	for _, wrong := range s.unproven(*report) {
		r.fault(n, "%s", wrong)
	}
	if report.Title == "" {
		report.Title = "The model's report has no title"
	}
}

// reads tells whether a check of a report reads evidence at all.
func reads(r investigation.Report) bool {
	return slices.ContainsFunc(r.Chain, func(c investigation.Claim) bool {
		return slices.ContainsFunc(c.Checks, func(k investigation.Check) bool { return evidenceID.MatchString(k.Expression) })
	})
}

// doubt takes back a verdict.
func doubt(r *investigation.Report, why string) {
	if r.Verdict != investigation.Inconclusive {
		r.Verdict, r.Confidence = investigation.Inconclusive, min(r.Confidence, 0.3)
	}
	r.Missing = append(first(r.Missing, maxMissing-1), plain("a sound conclusion: "+why, maxSentence))
}

var (
	entity     = regexp.MustCompile(`^[a-z_]+/\S(?:.*\S)?$`)
	mechanisms = []investigation.Mechanism{
		investigation.MissingIndex, investigation.WritesRefused, investigation.BadDeployment, investigation.CPUContention, investigation.MemoryLeak,
		investigation.PoolExhausted, investigation.WrongConfiguration, investigation.DependencyDown, investigation.CrashLoop,
		investigation.ResourceExhausted, investigation.TrafficSurge, investigation.SlowDependency, investigation.FailingDependency,
		investigation.OutOfMemory, investigation.BadImage, investigation.FailingProbe, investigation.CPUThrottling, investigation.Unschedulable,
	}
)

// unfounded says what a root cause lacks.
func (s *session) unfounded(r investigation.Report) []string {
	var wrong []string
	culprit := string(r.Culprit)
	switch {
	case !entity.MatchString(culprit) || len(culprit) > maxEntity || strings.ContainsFunc(culprit, unicode.IsControl) || strings.ContainsAny(culprit, "<>`") ||
		strings.Contains(culprit, "://"):
		wrong = append(wrong, fmt.Sprintf("culprit %q is no entity id, such as service/checkout or table/shop/products.", plain(culprit, 80)))
	case !s.seen(r.Culprit):
		wrong = append(wrong, fmt.Sprintf("No evidence and no trigger names %s: name the culprit exactly as the evidence does.", plain(culprit, 80)))
	}
	if !slices.Contains(mechanisms, r.Mechanism) {
		wrong = append(wrong, fmt.Sprintf("mechanism %q is not one of those listed.", plain(string(r.Mechanism), 40)))
	}
	if len(r.Chain) == 0 {
		wrong = append(wrong, "A root cause needs claims.")
	}
	return wrong
}

// seen tells whether an entity's name occurs in what the model was shown.
func (s *session) seen(e telemetry.Entity) bool {
	parts := []string{e.Name()}
	if e.Kind() == "table" {
		parts = strings.SplitN(e.Name(), "/", 2)
	}
	return !slices.ContainsFunc(parts, func(name string) bool { return name != "" && !s.mentioned(name) })
}

func (s *session) mentioned(name string) bool {
	quoted, err := json.Marshal(name)
	if err != nil {
		return false
	}
	quoted = quoted[1 : len(quoted)-1] // within a longer text it also counts
	for _, e := range s.Transcript.Evidence {
		if bytes.Contains(e.Result, quoted) {
			return true
		}
	}
	return slices.ContainsFunc(s.Transcript.Request.Triggers, func(t investigation.Trigger) bool {
		return t.Service == name || t.Entity.Name() == name || slices.Contains(t.Peers, name)
	})
}

var evidenceID = regexp.MustCompile(`\be[1-9][0-9]*\b`)

// unproven tries the checks on the evidence itself, without its healthy counterpart, which only the platform has, and says
// which claims would be struck.
func (s *session) unproven(r investigation.Report) []string {
	var wrong []string
	cited := map[string]json.RawMessage{}
	for n, c := range r.Chain {
		ids := slices.Clone(c.Evidence)
		if len(ids) == 0 {
			wrong = append(wrong, fmt.Sprintf("Claim %d names no evidence.", n+1))
		}
		for _, k := range c.Checks {
			ids = append(ids, evidenceID.FindAllString(k.Expression, -1)...)
		}
		for _, id := range ids {
			if s.known(id) {
				cited[id] = s.evidence[id].Result
			}
		}
	}
	judged, err := check.Report(contract.CheckRequest{Report: r, Evidence: cited})
	if err != nil {
		return append(wrong, "The checks cannot be evaluated: "+plain(err.Error(), 200))
	}
	for n, c := range judged.Chain {
		if c.Struck != "" {
			wrong = append(wrong, fmt.Sprintf("Claim %d would be struck: %s.", n+1, plain(c.Struck, 300)))
		}
	}
	if r.Verdict == investigation.RootCause && judged.Verdict != investigation.RootCause && len(wrong) == 0 {
		wrong = append(wrong, "No check counts: a root cause needs one that is true here and false on an empty result and in healthy time.")
	}
	return wrong
}

// oneLine keeps an expression on one line; inside of brackets and strings Starlark reads it the same.
func oneLine(expression string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '\t' {
			return ' '
		}
		return r
	}, expression))
}
