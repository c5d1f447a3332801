package model

import (
	"fmt"
	"math"
	"slices"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// unrefuted is the most that a report may claim which the model could not be brought to attack.
const unrefuted = 0.5

// silence is what a step says whose model gave nothing that can be used.
const silence = "The model gave no answer that could be used."

// decide is the step that a reading means. Calls come before a report: whoever asks for more is not done.
func (s *session) decide(r reading) contract.ModelAnswer {
	switch {
	case r.reply != nil:
		return contract.ModelAnswer{Reply: r.reply}
	case len(r.calls) > 0:
		return step(investigation.Step{Say: r.say, Calls: r.calls})
	}
	return step(investigation.Step{Say: r.say, Report: s.tempered(*r.report)})
}

func step(st investigation.Step) contract.ModelAnswer { return contract.ModelAnswer{Step: &st} }

// tempered keeps a report that was attacked from becoming surer than its draft.
func (s *session) tempered(r investigation.Report) *investigation.Report {
	if s.draft != nil {
		r.Confidence = math.Min(r.Confidence, s.draft.Confidence)
	}
	return &r
}

// salvage decides without asking again: the newest answer of the turn that has anything usable, or the honest end.
func (s *session) salvage() contract.ModelAnswer {
	for _, resp := range slices.Backward(s.answers) {
		if r := s.read(resp); r.reply != nil || len(r.calls) > 0 || r.report != nil {
			return s.decide(r)
		}
	}
	switch {
	case s.Stage == contract.Reply:
		return contract.ModelAnswer{Reply: &contract.ReplyText{Text: silence, Evidence: []string{}, Unusable: true}}
	case s.draft != nil:
		return step(investigation.Step{Say: silence + " The draft stands without having been attacked.", Report: s.standing()})
	}
	return step(investigation.Step{Say: silence, Report: s.nothing()})
}

// standing is the draft, less sure of itself.
func (s *session) standing() *investigation.Report {
	r := *s.draft
	r.Confidence = math.Min(r.Confidence, unrefuted)
	r.Missing = append(slices.Clone(r.Missing), "an attempt to refute this: the model gave no answer that could be used")
	return &r
}

// nothing is the report of a turn without a usable answer.
func (s *session) nothing() *investigation.Report {
	r := investigation.Report{
		Verdict: investigation.Inconclusive, Title: "The model could not be asked", Summary: "No answer of a model was to be had, and the turn had to end.",
		Onset: s.span.Onset, Chain: []investigation.Claim{}, RuledOut: []investigation.RuledOut{},
		Missing: []string{"a usable answer of the model; the evidence gathered so far is kept"}, Analyst: s.analyst(""),
	}
	if n := len(s.answers); n > 0 {
		r.Title = "The model did not answer usefully"
		r.Summary = fmt.Sprintf("After %s in this turn there was nothing to go on.", count(n, "answer"))
		if wrong := s.read(s.answers[n-1]).faults; len(wrong) > 0 {
			r.Summary += " The last correction was: " + plain(wrong[0].text, 300)
		}
	}
	return &r
}

// analyst is how reports name who decided.
func (s *session) analyst(answered string) string {
	if answered == "" {
		answered = s.Model
	}
	return "model/" + plain(answered, 200)
}
