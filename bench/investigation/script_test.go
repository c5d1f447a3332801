package main

import (
	"testing"

	"github.com/midwatch/midwatch/internal/llm"
)

// request is a conversation in which the model has spoken so often.
func request(said int) (r llm.Request) {
	for range said {
		r.Messages = append(r.Messages, llm.Message{Role: llm.User}, llm.Message{Role: llm.Assistant})
	}
	return r
}

func TestConversationGoesOn(t *testing.T) {
	if first := next(0, request(0)); len(first.Tools) != len(story[0]) {
		t.Errorf("first %+v", first)
	}
	if last := next(len(story), request(len(story))); last.Tools[0].Name != "conclude" {
		t.Errorf("conclusion %+v", last)
	}
	if doubt := next(len(story)+1, request(len(story)+1)); len(doubt.Tools) != len(attack) {
		t.Errorf("attack %+v", doubt)
	}
	if turn := turnOf(request(3)); turn != 3 {
		t.Errorf("turn %d, want 3", turn)
	}
}
