package model

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// conversation is what goes into a prompt. Past turns are told from the transcript, not from the raw answers: what counts
// is what the platform took from them.
type conversation struct {
	opening string
	past    []past
	tail    []llm.Message // what was said in this turn, and what was wrong with it
	now     string        // the last words of the prompt
	folded  int           // so many of the oldest turns are told in one line each, in the opening
	brief   int           // so many of the oldest results are told in one line each
}

// past is one finished turn.
type past struct {
	number  int
	said    llm.Message
	results []result
}

// result answers a tool use.
type result struct {
	use   string // ToolUse.ID
	id    string // of the evidence; "" when it is none
	full  string
	brief string
	wrong bool
	later bool // the same evidence is shown by a later result
}

// converse tells the story so far, with the answers of this turn, and makes it fit.
func (s *session) converse(answers []llm.Response) (*conversation, error) {
	c := &conversation{opening: s.opening(), now: s.now()}
	later := map[string]bool{} // evidence that a later result shows
	for _, t := range slices.Backward(s.Transcript.Turns) {
		c.past = append(c.past, s.recall(t, later))
	}
	if t, ok := s.before(); ok {
		c.past = append(c.past, s.recall(t, later))
	}
	slices.Reverse(c.past)
	for n, a := range answers {
		c.tail = append(c.tail, s.correct(n, a)...)
	}
	return c, s.fit(c)
}

// before is evidence that no turn asked for, such as what was recalled from past incidents, told as a turn of its own.
func (s *session) before() (investigation.Turn, bool) {
	asked := map[string]bool{}
	for _, t := range s.Transcript.Turns {
		for _, id := range t.Evidence {
			asked[id] = true
		}
	}
	t := investigation.Turn{Say: "What was known before the first turn."}
	for _, e := range s.Transcript.Evidence {
		if !asked[e.ID] {
			t.Calls = append(t.Calls, investigation.ToolCall{ID: fmt.Sprintf("t0c%d", len(t.Calls)+1), Tool: e.Tool, Arguments: e.Arguments, Why: "It was at hand."})
			t.Evidence = append(t.Evidence, e.ID)
		}
	}
	return t, len(t.Calls) > 0
}

// recall tells a finished turn.
func (s *session) recall(t investigation.Turn, later map[string]bool) past {
	p := past{number: t.Number, said: llm.Message{Role: llm.Assistant}}
	if say := strings.TrimSpace(t.Say); say != "" {
		p.said.Parts = append(p.said.Parts, llm.Part{Text: say})
	}
	for n, call := range t.Calls {
		p.said.Parts = append(p.said.Parts, llm.Part{ToolUse: &llm.ToolUse{ID: call.ID, Name: call.Tool, Arguments: withWhy(call)}})
		r := result{use: call.ID, full: "No answer came back.", brief: "No answer came back.", wrong: true}
		if n < len(t.Evidence) && t.Evidence[n] != "" {
			r = s.show(call.ID, t.Evidence[n])
			if r.later = later[r.id]; r.later {
				r.full = r.brief
			}
		}
		p.results = append(p.results, r)
	}
	for _, r := range p.results {
		later[r.id] = true
	}
	if t.Draft != nil {
		use := concluded(fmt.Sprintf("t%dend", t.Number), *t.Draft)
		p.said.Parts = append(p.said.Parts, llm.Part{ToolUse: &use})
		p.results = append(p.results, result{use: use.ID, full: "Your draft is on record.", brief: "Your draft is on record."})
	}
	if len(p.said.Parts) == 0 {
		p.said.Parts = append(p.said.Parts, llm.Part{Text: "(nothing)"})
	}
	return p
}

// show renders a piece of evidence, at length and in a line.
func (s *session) show(use, id string) result {
	e, ok := s.evidence[id]
	if !ok {
		text := id + " is not available to you."
		return result{use: use, id: id, full: text, brief: text}
	}
	if e.Error != "" {
		text := fmt.Sprintf("%s %s gave no answer.\n%s", id, e.Tool, fence(id, printable(e.Error, maxBrief)))
		return result{use: use, id: id, full: text, brief: text, wrong: true}
	}
	summary := printable(e.Summary, maxBrief)
	r := result{
		use: use, id: id,
		full:  fmt.Sprintf("%s %s\n%s", id, e.Tool, fence(id, summary+"\n"+table(id, e.Result, s.perEvidence()))),
		brief: fmt.Sprintf("%s %s, left out for want of space; the same call again shows it.\n%s", id, e.Tool, fence(id, summary)),
	}
	if len(r.full) <= len(r.brief) {
		r.brief = r.full
	}
	return r
}

// maxBrief bounds the one line that is left of a result, in bytes.
const maxBrief = 200

// withWhy are a call's arguments as the model wrote them.
func withWhy(c investigation.ToolCall) json.RawMessage {
	arguments, ok := object(c.Arguments)
	if !ok {
		return json.RawMessage(`{}`)
	}
	if _, own := arguments[whyArgument]; !own {
		arguments[whyArgument] = c.Why
	}
	b, err := json.Marshal(arguments)
	if err != nil {
		return json.RawMessage(`{}`)
	}
	return b
}

// now is what the model is told last.
func (s *session) now() string {
	switch s.Stage {
	case contract.Reply:
		return s.asked()
	case contract.Refute:
		return s.attack() + "\n" + s.budget()
	}
	return s.budget()
}

// messages puts the conversation into the words of a model call: user and assistant in turn.
func (c *conversation) messages() []llm.Message {
	open := llm.Part{Text: c.opening + c.foldedTurns()}
	out := []llm.Message{{Role: llm.User, Parts: []llm.Part{open}}}
	left := c.brief
	for n, p := range c.past {
		if n < c.folded {
			left -= len(p.results)
			continue
		}
		answers := llm.Message{Role: llm.User}
		for _, r := range p.results {
			text := r.full
			if left > 0 {
				text = r.brief
			}
			left--
			answers.Parts = append(answers.Parts, llm.Part{ToolResult: &llm.ToolResult{ID: r.use, Text: text, Error: r.wrong}})
		}
		if len(answers.Parts) == 0 {
			answers.Parts = append(answers.Parts, llm.Part{Text: "Go on."})
		}
		out = append(out, p.said, answers)
	}
	end := &out[len(out)-1]
	end.Parts = append(end.Parts, llm.Part{Text: c.now})
	return append(out, c.tail...)
}

// foldedTurns tells the turns that have no room of their own.
func (c *conversation) foldedTurns() string {
	if c.folded == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n\nEarlier turns, in short:")
	for _, p := range c.past[:c.folded] {
		b.WriteString("\n" + p.line())
	}
	return b.String()
}

func (p past) line() string {
	var seen []string
	for _, r := range p.results {
		if r.id != "" {
			seen = append(seen, r.id)
		}
	}
	line := fmt.Sprintf("%d. %s", p.number, plain(words(p.said), maxBrief))
	if len(seen) > 0 {
		line += " Evidence: " + strings.Join(seen, ", ")
	}
	return line
}

// shows tells whether a piece of evidence is in the conversation at length.
func (c *conversation) shows(id string) bool {
	at := 0
	for n, p := range c.past {
		for _, r := range p.results {
			if r.id == id && !r.later && n >= c.folded && (at >= c.brief || r.full == r.brief) {
				return true
			}
			at++
		}
	}
	return false
}
