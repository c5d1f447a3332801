package activities

import (
	"context"
	"math"
	"slices"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/sandbox/contract"
	"github.com/midwatch/midwatch/workflows"
)

// asked is a question and all that it may be answered from.
type asked struct {
	question   investigation.Question
	input      workflows.AnswerInput
	transcript investigation.Transcript // with the question's own turns at its end
	report     *investigation.Report
	running    bool
	earlier    []investigation.Question // whose answers the asker may see
}

// about reads what a question may be answered from: its investigation, what was asked before within the asker's scope, and what was
// gathered for it.
func (a *Answers) about(ctx context.Context, q investigation.Question, in workflows.AnswerInput) (asked, error) {
	inv, err := a.DB.Investigation(ctx, q.Investigation)
	if err != nil {
		return asked{}, final(err)
	}
	evidence, err := a.DB.EvidenceList(ctx, q.Investigation)
	if err != nil {
		return asked{}, err
	}
	questions, err := a.DB.Questions(ctx, q.Investigation)
	if err != nil {
		return asked{}, err
	}
	gathered, err := a.DB.QuestionEvidence(ctx, q.Investigation)
	if err != nil {
		return asked{}, err
	}
	about := asked{question: q, input: in, report: inv.Report, running: inv.Status == metadata.Running}
	for _, o := range questions {
		if o.Number < q.Number && o.Answer != nil && investigation.Within(o.Namespaces, q.Namespaces) {
			about.earlier = append(about.earlier, o)
		}
	}
	seen := append(slices.Clone(about.earlier), q)
	for _, e := range gathered {
		if slices.ContainsFunc(seen, func(o investigation.Question) bool { return o.Number == e.Question }) {
			evidence = append(evidence, e)
		}
	}
	about.transcript = transcript(inv, evidence, math.MaxInt, in.LastTurn, in.Now)
	about.transcript.Turns = append(about.transcript.Turns, turnsOf(seen, evidence)...)
	return about, nil
}

// turnsOf are the turns of questions with their evidence. What was thought then is left out: the answers say what came of it.
func turnsOf(questions []investigation.Question, evidence []investigation.Evidence) []investigation.Turn {
	var turns []investigation.Turn
	for _, q := range questions {
		var earlier []investigation.ToolCall
		for _, t := range q.Turns {
			earlier = append(earlier, t.Calls...)
			t.Evidence = evidenceOf(t, earlier, evidence)
			t.Say = "For a question."
			turns = append(turns, t)
		}
	}
	return turns
}

// left is how many calls the question may still make.
func (a asked) left() int {
	n := workflows.QuestionCalls
	for _, t := range a.question.Turns {
		n -= len(t.Calls)
	}
	return max(0, n)
}

// forModel is what a model may see of it. Words are withheld, too, where they may rest on what policy keeps from models: who wrote
// them may have seen it all.
func (a asked) forModel(p llm.Policy) (investigation.Transcript, *contract.ReplyContext) {
	t := censored(a.transcript, p)
	about := &contract.ReplyContext{Turn: a.input.Turn, Calls: a.left(), Running: a.running, Report: a.report}
	if !p.Allows(dataTypes(a.transcript)...) {
		t.Turns = wordless(t.Turns, t.Evidence)
		about.Report = partial(a.report, t.Evidence)
	}
	for _, q := range a.earlier {
		if p.Allows(q.Answer.DataTypes...) {
			about.Earlier = append(about.Earlier, contract.Answered{Question: q.Text, Answer: q.Answer.Text, Evidence: q.Answer.Evidence})
		}
	}
	return t, about
}

// partial is what of a report rests on evidence that is not withheld; nil where there is none.
func partial(r *investigation.Report, evidence []investigation.Evidence) *investigation.Report {
	if r == nil {
		return nil
	}
	rests := func(ids []string) bool {
		return len(ids) > 0 && !slices.ContainsFunc(ids, func(id string) bool { return !shown(evidence, id) })
	}
	out := &investigation.Report{Verdict: r.Verdict, Confidence: r.Confidence, Onset: r.Onset, Title: withheld}
	for _, c := range r.Chain {
		if rests(c.Evidence) {
			out.Chain = append(out.Chain, c)
		}
	}
	for _, o := range r.RuledOut {
		if rests(o.Evidence) {
			out.RuledOut = append(out.RuledOut, o)
		}
	}
	return out
}

// shown tells whether a piece of evidence is there and not withheld.
func shown(evidence []investigation.Evidence, id string) bool {
	return slices.ContainsFunc(evidence, func(e investigation.Evidence) bool { return e.ID == id && e.Error != withheld })
}
