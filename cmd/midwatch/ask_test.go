package main

import (
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/investigation"
)

func TestWriteUnderstood(t *testing.T) {
	var b strings.Builder
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)
	writeUnderstood(&b, wire.Asked{
		Services: []string{"cart", "checkout"}, Unknown: []string{"billing"}, Window: &investigation.Window{From: at, To: at.Add(15 * time.Minute)},
	})
	want := "  about cart, checkout\n  from 2026-03-01 12:00:00 to 2026-03-01 12:15:00\n  not seen here lately: billing\n"
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

// TestWriteUnderstoodWithoutATime: whoever named no time, or none that exists, learns what is looked at instead.
func TestWriteUnderstoodWithoutATime(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)
	for want, asked := range map[string]wire.Asked{
		"  no time was understood; something began at 2026-03-01 12:00:00, looking from there to 2026-03-01 12:15:00\n": {
			Found: &investigation.Window{From: at, To: at.Add(15 * time.Minute)},
		},
		"  no time was understood, and nothing was seen to begin in the last hour; looking at the last minutes\n  not understood as a time: 25:99\n": {
			Misread: []string{"25:99"},
		},
	} {
		var b strings.Builder
		if writeUnderstood(&b, asked); b.String() != want {
			t.Errorf("%q, want %q", b.String(), want)
		}
	}
}

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
