package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/midwatch/midwatch/internal/investigation"
)

// maxValue bounds a parameter of a fix, in bytes.
const maxValue = 500

// fix adds the proposed fix to a root cause if it is one of the actions on offer with just its parameters. Whether the
// values are right the platform finds out when it makes the draft exact. A pull request is none of the actions: where code is
// read it is always on offer.
func (s *session) fix(r *reading, n int, f *draftFix, report *investigation.Report) {
	if f == nil || report.Verdict != investigation.RootCause {
		return
	}
	draft := &investigation.FixDraft{Action: f.Action, Parameters: f.Parameters, Why: plain(f.Why, maxSentence)}
	var wrong string
	if f.Action == string(investigation.OpenPullRequest) {
		draft.Code, wrong = s.change(*f, report.Culprit)
	} else {
		wrong = s.unfit(*f)
	}
	if wrong != "" {
		r.fault(n, "%s", wrong)
		return
	}
	report.Fix = draft
}

func (s *session) unfit(f draftFix) string {
	actions := s.Transcript.Request.Actions
	at := slices.IndexFunc(actions, func(a investigation.Action) bool { return a.Name == f.Action })
	if f.Code != nil {
		return "fix: code is of pull_request only."
	}
	if at < 0 {
		return fmt.Sprintf("fix: there is no action %q; leave the fix out if none fits.", plain(f.Action, 60))
	}
	want := map[string]investigation.Parameter{}
	for _, p := range actions[at].Parameters {
		want[p.Name] = p
	}
	if got := slices.Sorted(maps.Keys(f.Parameters)); !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
		return fmt.Sprintf("fix: %s takes exactly these parameters: %s.", f.Action, strings.Join(slices.Sorted(maps.Keys(want)), ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		value, p := f.Parameters[name], want[name]
		if value == "" || len(value) > maxValue || strings.ContainsFunc(value, unicode.IsControl) {
			return fmt.Sprintf("fix: %s is empty, too long or no plain text.", name)
		}
		if p.Type == investigation.ServiceParameter && len(p.Allowed) > 0 && !slices.Contains(p.Allowed, value) {
			return fmt.Sprintf("fix: %s must be one of %s.", name, strings.Join(p.Allowed, ", "))
		}
	}
	return ""
}
