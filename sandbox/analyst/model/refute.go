package model

import (
	"encoding/json"
	"fmt"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
)

// refuting finds the draft that is under attack and how many calls the attack has left. The draft is the latest; calls
// count from the first.
func refuting(turns []investigation.Turn) (draft *investigation.Report, calls int) {
	calls = maxRefuteCalls
	for _, t := range turns {
		if draft != nil {
			calls -= len(t.Calls)
		}
		if t.Draft != nil {
			draft = t.Draft
		}
	}
	return draft, max(0, calls)
}

// attack is what the model is told when its own draft becomes the target.
func (s *session) attack() string {
	if s.calls == 0 {
		return fmt.Sprintf("You attack the draft above. Conclude again: the same culprit if it withstood "+
			"(confidence at most %.2g), another verdict if it did not, inconclusive if you cannot tell any more.", s.draft.Confidence)
	}
	return fmt.Sprintf(`Change sides: you are the adversary of the draft above. Assume it is wrong and look for what would show it.
- What must be visible if another cause were true, and did the draft look there?
- Would each claim also be true in healthy time, or if the culprit were only another victim? Does the cause come before its effect?
- Is there a change, a deeper dependency or a neighbour that explains more with less?
You have at most %s left in all. Then conclude again: the same culprit if it withstood (confidence at most %.2g, less if doubt is left), `+
		"another verdict if it did not, inconclusive with what is missing if you cannot tell any more.", count(s.calls, "tool call"), s.draft.Confidence)
}

// concluded is a draft as the call to conclude that it was, or could have been.
func concluded(id string, r investigation.Report) llm.ToolUse {
	c := conclusion{
		Claims: []claim{}, Verdict: string(r.Verdict), Culprit: string(r.Culprit), Mechanism: string(r.Mechanism), Confidence: r.Confidence,
		Title: r.Title, Summary: r.Summary, Missing: r.Missing,
	}
	if !r.Onset.IsZero() {
		c.Onset = stamp(r.Onset)
	}
	for _, x := range r.Chain {
		said := claim{Text: x.Text, Evidence: x.Evidence, Checks: []string{}}
		for _, k := range x.Checks {
			said.Checks = append(said.Checks, k.Expression)
		}
		c.Claims = append(c.Claims, said)
	}
	for _, x := range r.RuledOut {
		c.RuledOut = append(c.RuledOut, ruledOut{Entity: string(x.Entity), Why: x.Why, Evidence: x.Evidence})
	}
	if r.Fix != nil {
		c.Fix = &draftFix{Action: r.Fix.Action, Parameters: r.Fix.Parameters, Why: r.Fix.Why, Code: draftOf(r.Fix.Code)}
	}
	b, err := json.Marshal(c)
	if err != nil { // a confidence that is no number: validated long before
		b = []byte("{}")
	}
	return llm.ToolUse{ID: id, Name: concludeTool.Name, Arguments: b}
}

// draftOf is a change of code as the model wrote it.
func draftOf(c *investigation.CodeChange) *draftCode {
	if c == nil {
		return nil
	}
	d := &draftCode{Repository: c.Repository, Commit: c.Commit, Service: c.Service, Title: c.Title}
	for _, e := range c.Edits {
		d.Edits = append(d.Edits, draftEdit(e))
	}
	return d
}
