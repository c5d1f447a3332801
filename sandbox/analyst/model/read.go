package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// maxSay bounds what the model says in one turn, in bytes.
const maxSay = 1500

// reading is what an answer means: what can be used of it, and what is wrong with it.
type reading struct {
	model   string // that answered
	say     string
	calls   []investigation.ToolCall
	report  *investigation.Report
	reply   *contract.ReplyText
	faults  []fault
	repeats []string // ids of evidence, if every call of the answer was answered before
}

// fault is one thing that is wrong with an answer, in words for the model.
type fault struct {
	use  int // index among the answer's tool uses; whole when it is about no single one
	text string
}

const whole = -1

func (r *reading) fault(use int, format string, args ...any) {
	r.faults = append(r.faults, fault{use: use, text: fmt.Sprintf(format, args...)})
}

// maxUses bounds how many of an answer's wishes are looked at: to compare a thousand with each other takes longer than a step
// may.
const maxUses = 32

// uses are the tools an answer wishes for, as many as are looked at.
func uses(m llm.Message) []llm.ToolUse {
	var out []llm.ToolUse
	for _, p := range m.Parts {
		if p.ToolUse != nil && len(out) < maxUses {
			out = append(out, *p.ToolUse)
		}
	}
	return out
}

func words(m llm.Message) string {
	var out []string
	for _, p := range m.Parts {
		if strings.TrimSpace(p.Text) != "" {
			out = append(out, p.Text)
		}
	}
	return strings.Join(out, "\n")
}

// read reads one answer of this turn.
func (s *session) read(resp llm.Response) reading {
	r := reading{model: resp.Model, say: plain(words(resp.Message), maxSay)}
	if r.model == "" {
		r.model = s.Model
	}
	wished := uses(resp.Message)
	for n, use := range wished {
		s.readUse(&r, n, use)
	}
	s.tooMany(&r)
	s.stopped(&r, resp, len(wished))
	if r.report != nil && len(r.calls) > 0 {
		r.fault(whole, "You concluded and asked for tools at once: do one of the two.")
	}
	r.repeats = s.repeated(r.calls)
	s.number(&r)
	return r
}

func (s *session) readUse(r *reading, n int, use llm.ToolUse) {
	switch {
	case use.Name == replyTool.Name && s.Stage == contract.Reply:
		s.readReply(r, n, use.Arguments)
	case use.Name == concludeTool.Name && s.Stage != contract.Reply:
		s.readConclusion(r, n, use.Arguments)
	case s.calls == 0 && slices.ContainsFunc(s.tools, func(t tool) bool { return t.Name == use.Name }):
		r.fault(n, "Not run: no calls are left. Use %s.", s.names())
	default:
		call, wrong := s.readCall(use)
		if wrong != "" {
			r.fault(n, "%s", wrong)
		} else if !slices.ContainsFunc(r.calls, func(c investigation.ToolCall) bool { return c.Same(call) }) {
			r.calls = append(r.calls, call)
		}
	}
}

// tooMany cuts the calls to what the turn may make.
func (s *session) tooMany(r *reading) {
	if n := len(r.calls); n > s.calls {
		r.fault(whole, "You asked for %s; at most %d are possible now. Choose those that tell most.", count(n, "call"), s.calls)
		r.calls = r.calls[:s.calls]
	}
}

// stopped looks at how the answer ended.
func (s *session) stopped(r *reading, resp llm.Response, wished int) {
	switch {
	case resp.Stop == llm.StopLength:
		r.fault(whole, "Your answer was cut off at %d tokens. Say less, in fewer claims or calls.", s.MaxTokens)
	case resp.Stop == llm.StopRefused:
		r.fault(whole, "You declined to answer. This is the operator's own telemetry, and only a diagnosis is asked for. If the data does not allow one, say so with %s.", s.ending())
	case wished == 0 && s.Stage == contract.Reply && r.say != "":
		s.replyInWords(r, words(resp.Message))
	case wished == 0:
		r.fault(whole, "Your answer calls no tool. Words alone decide nothing: use %s.", s.names())
	}
}

func (s *session) ending() string {
	if s.Stage == contract.Reply {
		return replyTool.Name
	}
	return concludeTool.Name
}

// repeated are the ids of the evidence that answers the calls already; nil if one of them is new.
func (s *session) repeated(calls []investigation.ToolCall) []string {
	var ids []string
	for _, c := range calls {
		id := s.answered(c)
		if id == "" {
			return nil
		}
		ids = append(ids, id)
	}
	return ids
}

// answered is the evidence that answers a call already, or "".
func (s *session) answered(c investigation.ToolCall) string {
	for _, e := range s.Transcript.Evidence {
		if e.Error == "" && c.Same(investigation.ToolCall{Tool: e.Tool, Arguments: e.Arguments}) {
			return e.ID
		}
	}
	return ""
}

// knows tells whether all the evidence was before the model's eyes when it had got that many answers in this turn: then
// asking for it again is an oversight, otherwise it is how to see it again.
func (s *session) knows(ids []string, had []llm.Response) bool {
	if len(ids) == 0 {
		return false
	}
	c, err := s.converse(had)
	return err == nil && !slices.ContainsFunc(ids, func(id string) bool { return !c.shows(id) })
}

// number gives the calls their ids, and the turn its words if the model had none.
func (s *session) number(r *reading) {
	var whys []string
	for n := range r.calls {
		r.calls[n].ID = fmt.Sprintf("t%dc%d", s.turn, n+1)
		whys = append(whys, r.calls[n].Why)
	}
	if r.say == "" && r.report != nil {
		r.say = r.report.Title
	}
	if r.say == "" {
		r.say = cut(strings.Join(whys, " "), maxSay)
	}
}
