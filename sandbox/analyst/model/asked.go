package model

import (
	"fmt"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/sandbox/contract"
)

const (
	maxEarlier = 10  // questions before this one that are told again, the latest
	maxTold    = 600 // bytes of one of their answers
)

// callsLeft is how many calls a turn of a question may make.
func callsLeft(c *contract.ReplyContext) int {
	if c == nil {
		return 0
	}
	return min(max(0, c.Calls), maxCalls)
}

// asked is what the model is told last when a person asks a follow-up question: where the investigation stands, what was asked
// before, and the question.
func (s *session) asked() string {
	about := contract.ReplyContext{}
	if s.Reply != nil {
		about = *s.Reply
	}
	told := []string{"The investigation is over."}
	if about.Running {
		told[0] = "The investigation still runs."
	}
	if about.Report != nil {
		told = append(told, "Its report, as it stands after its checks:\n"+fence("report", reported(*about.Report)))
	}
	if len(about.Earlier) > 0 {
		told = append(told, "Asked and answered before:\n"+fence("earlier", exchanges(about.Earlier)))
	}
	told = append(told, "A person asks:\n"+fence("question", lines(s.Question, maxQuestion)),
		"Answer with reply, from the evidence above and nothing else. If it does not answer the question, say so.")
	if s.calls > 0 {
		told = append(told, fmt.Sprintf("Where it is not enough, call tools first: at most %s in all. What they find cannot change the report.", count(s.calls, "more call")))
	}
	return strings.Join(told, "\n")
}

// reported tells a report in plain lines.
func reported(r investigation.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, confidence %.2g: %s\n%s\n", r.Verdict, r.Confidence, printable(r.Title, maxLine), printable(r.Summary, 4*maxLine))
	if r.Culprit != "" {
		fmt.Fprintf(&b, "culprit %s, mechanism %s\n", printable(string(r.Culprit), maxLine), printable(string(r.Mechanism), maxLine))
	}
	for _, c := range r.Chain {
		fmt.Fprintf(&b, "claim (%s): %s", printable(strings.Join(c.Evidence, ", "), maxLine), printable(c.Text, maxLine))
		if c.Struck != "" {
			b.WriteString(" [struck: " + printable(c.Struck, maxLine) + "]")
		}
		b.WriteString("\n")
	}
	for _, o := range r.RuledOut {
		fmt.Fprintf(&b, "ruled out %s: %s\n", printable(string(o.Entity), maxLine), printable(o.Why, maxLine))
	}
	for _, m := range r.Missing {
		fmt.Fprintf(&b, "missing: %s\n", printable(m, maxLine))
	}
	return b.String()
}

// exchanges tells the latest of the earlier questions and answers.
func exchanges(all []contract.Answered) string {
	var b strings.Builder
	for _, x := range all[max(0, len(all)-maxEarlier):] {
		fmt.Fprintf(&b, "asked: %s\nanswered (%s): %s\n", printable(x.Question, maxTold), strings.Join(first(x.Evidence, maxCited), ", "), printable(x.Answer, maxTold))
	}
	return b.String()
}
