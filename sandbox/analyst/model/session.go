package model

import (
	"errors"
	"fmt"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/sandbox/analyst/span"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// Bounds of what one turn may ask for; the platform refuses more than maxCalls.
const (
	maxCalls       = 12
	maxRefuteCalls = 3 // in all turns that try to refute a draft together
)

// session is a request, looked at once.
type session struct {
	contract.ModelRequest
	turn     int                               // that is being decided
	span     span.Span                         // what is compared
	tools    []tool                            // what the model may call now
	answers  []llm.Response                    // of this turn, oldest first
	evidence map[string]investigation.Evidence // by id
	draft    *investigation.Report             // the report to refute; nil in other stages
	calls    int                               // how many calls this turn may make
}

func open(req contract.ModelRequest) (*session, error) {
	s := &session{
		ModelRequest: req, turn: len(req.Transcript.Turns) + 1, span: span.Of(req.Transcript.Request),
		evidence: map[string]investigation.Evidence{}, calls: maxCalls,
	}
	if req.Reply != nil {
		s.turn = req.Reply.Turn
	}
	for _, e := range req.Transcript.Evidence {
		s.evidence[e.ID] = e
	}
	for _, x := range req.Exchanges {
		if x.Turn == s.turn {
			s.answers = append(s.answers, x.Response)
		}
	}
	if req.Stage == contract.Refute {
		if s.draft, s.calls = refuting(req.Transcript.Turns); s.draft == nil {
			return nil, errors.New("no turn concluded: there is no draft to refute")
		}
	}
	if req.Stage == contract.Reply {
		s.calls = callsLeft(req.Reply)
	}
	if req.Transcript.LastTurn {
		s.calls = 0
	}
	for _, t := range req.Tools {
		t, err := prepare(t)
		if err != nil {
			return nil, fmt.Errorf("tool %s: %w", t.Name, err)
		}
		s.tools = append(s.tools, t)
	}
	return s, nil
}

// offered are the tools the model is told of: none but the one that ends the stage when no call is left.
func (s *session) offered() []llm.Tool {
	var out []llm.Tool
	if s.calls > 0 {
		for _, t := range s.tools {
			out = append(out, t.offer)
		}
	}
	if s.Stage == contract.Reply {
		return append(out, replyTool)
	}
	return append(out, concludeTool)
}

// known is the evidence that an id names and that holds a result.
func (s *session) known(id string) bool {
	e, ok := s.evidence[id]
	return ok && e.Error == ""
}

// budget is the line that says where the investigation stands.
func (s *session) budget() string {
	var b strings.Builder
	fmt.Fprintf(&b, "This is turn %d", s.turn)
	if total := s.Transcript.Request.Budget.Turns; total > 0 {
		fmt.Fprintf(&b, " of %d", max(total, s.turn))
	}
	b.WriteString(".")
	if s.calls == 0 {
		b.WriteString(" No calls are left: conclude now with what you have. What you could not learn belongs in missing.")
	}
	return b.String()
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
