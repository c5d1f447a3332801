package model

import (
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// Step builds the next prompt, or reads the newest answer to the one it built before. It returns an error only if the
// request itself cannot be served: a tool without a schema, a context too small for anything.
func Step(req contract.ModelRequest) (contract.ModelAnswer, error) {
	s, err := open(req)
	if err != nil {
		return contract.ModelAnswer{}, err
	}
	if n := len(s.answers); n > 0 {
		r := s.read(s.answers[n-1])
		if repeats := s.knows(r.repeats, s.answers[:n-1]); len(r.faults) == 0 && !repeats {
			return s.decide(r), nil
		}
	}
	if req.AsksLeft <= 0 {
		return s.salvage(), nil
	}
	ask, err := s.ask()
	if err != nil {
		return contract.ModelAnswer{}, err
	}
	return contract.ModelAnswer{Ask: &ask}, nil
}

// ask is the prompt of this turn, with the answers it got so far and what was wrong with them.
func (s *session) ask() (llm.Request, error) {
	c, err := s.converse(s.answers)
	if err != nil {
		return llm.Request{}, err
	}
	return s.request(c), nil
}

func (s *session) request(c *conversation) llm.Request {
	return llm.Request{Model: s.Model, System: system, Tools: s.offered(), Messages: c.messages(), MaxTokens: s.MaxTokens}
}
