package main

import (
	"strings"
	"testing"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/investigation"
)

func TestWriteQuestion(t *testing.T) {
	inv := wire.InvestigationDetail{Evidence: []investigation.Evidence{{ID: "e1", Tool: "statements", Summary: "2 are slow"}, {ID: "e2", Summary: "not cited"}}}
	for name, c := range map[string]struct {
		question investigation.Question
		want     []string
	}{
		"answered": {
			investigation.Question{Asker: "ann", Text: "why?", Answer: &investigation.ReplyAnswer{
				Text: "Because\nof \x1b[31m[this](https://evil.example/x).", Evidence: []string{"e1"}, Analyst: "builtin", NoModel: "AI is switched off",
			}},
			[]string{"ann asked: why?", "No model answered: AI is switched off.", "    Because\n", "e1   statements", "by builtin"},
		},
		"failed": {
			investigation.Question{Asker: "ann", Text: "why?", Status: investigation.QuestionFailed, Failure: "no walls"},
			[]string{"no answer (failed: no walls)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			writeQuestion(&b, inv, c.question)
			for _, text := range c.want {
				if !strings.Contains(b.String(), text) {
					t.Errorf("%q does not hold %q", b.String(), text)
				}
			}
			if strings.ContainsAny(b.String(), "\x1b") || strings.Contains(b.String(), "://") || strings.Contains(b.String(), "not cited") {
				t.Errorf("shows what it should not: %q", b.String())
			}
		})
	}
}
