package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/internal/llm"
)

func TestFigures(t *testing.T) {
	line := regexp.MustCompile(`^figure \S+ \S+ \S+ bar <= \S+ (ok|short)$`)
	for _, c := range []struct {
		figures []figure
		want    string
		ok      bool
	}{
		{[]figure{{"turn", 199.96, "ms", 200}, {"memory", 1000, "MB", 1000}}, "ok ok", true},
		{[]figure{{"turn", 200.1, "ms", 200}, {"memory", 1, "MB", 1000}}, "short ok", false},
	} {
		var out strings.Builder
		ok := printFigures(&out, c.figures)
		var verdicts []string
		for l := range strings.Lines(out.String()) {
			found := line.FindStringSubmatch(strings.TrimSpace(l))
			if found == nil {
				t.Fatalf("%q is no figure", l)
			}
			verdicts = append(verdicts, found[1])
		}
		if got := strings.Join(verdicts, " "); got != c.want || ok != c.ok {
			t.Errorf("%q, %v, want %q", got, ok, c.want)
		}
	}
}

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
