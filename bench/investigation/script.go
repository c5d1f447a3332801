package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"sync"
	"time"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
)

// ask is a tool call of the scripted model.
type ask struct{ tool, service string }

// story is what the scripted model asks, turn by turn: what a model asks that finds out why a shop got slow. Then it concludes,
// its report is attacked once, and it concludes again.
var story = [...][]ask{
	{{"compare_windows", ""}, {"recent_changes", ""}, {"host_resources", ""}},
	{{"process_resources", ""}, {"statements", ""}, {"failing_spans", ""}},
	{{"service_edges", ""}, {"service_health", "gateway"}},
	{{"slow_spans", ""}, {"service_health", "catalog"}},
	{{"search_logs", "catalog"}, {"service_health", "postgres"}},
}

// attack is what it asks to refute its own report.
var attack = []ask{{"service_health", "checkout"}, {"search_logs", "gateway"}}

// modelCalls is how often the model is asked in one investigation.
const modelCalls = len(story) + 3

// moments of a call: it reached the model, and the model was done with it.
type moments struct {
	turn            int // of its investigation, from 0
	asked, answered time.Time
}

// scripted is the model. Each answer takes think.
type scripted struct {
	mu    sync.Mutex
	think time.Duration
	calls []moments
}

// reset forgets all calls and sets how long an answer takes.
func (s *scripted) reset(think time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.think, s.calls = think, nil
}

func (s *scripted) seen() []moments {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]moments(nil), s.calls...)
}

func (s *scripted) answer(c llmtest.Call) llmtest.Answer {
	asked := time.Now()
	s.mu.Lock()
	think := s.think
	s.mu.Unlock()
	turn := turnOf(c.Request)
	time.Sleep(think)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, moments{turn, asked, time.Now()})
	return next(turn, c.Request)
}

// turnOf is how often the model has spoken in a conversation.
func turnOf(r llm.Request) int {
	said := 0
	for _, m := range r.Messages {
		if m.Role == llm.Assistant {
			said++
		}
	}
	return said
}

// next is what comes after the conversation so far.
func next(turn int, r llm.Request) llmtest.Answer {
	switch {
	case turn < len(story):
		return llmtest.Answer{Text: "I look closer.", Tools: calls(story[turn])}
	case turn == len(story)+1:
		return llmtest.Answer{Text: "What would speak against it?", Tools: calls(attack)}
	default:
		return llmtest.Answer{Text: "It is clear now.", Tools: []llmtest.ToolCall{conclusion(r)}}
	}
}

func calls(asks []ask) []llmtest.ToolCall {
	var made []llmtest.ToolCall
	for _, a := range asks {
		arguments := map[string]string{"why": "to see"}
		if a.service != "" {
			arguments["service"] = a.service
		}
		made = append(made, call(a.tool, arguments))
	}
	return made
}

func call(tool string, arguments any) llmtest.ToolCall {
	b, _ := json.Marshal(arguments) // of texts and numbers: cannot fail
	return llmtest.ToolCall{Name: tool, Arguments: string(b)}
}

// compared finds the id of the evidence of compare_windows, in which the model was shown it.
var compared = regexp.MustCompile(`(?m)^(e[0-9]+) compare_windows$`)

func conclusion(r llm.Request) llmtest.ToolCall {
	id := "e1"
	for _, m := range r.Messages {
		for _, p := range m.Parts {
			text := p.Text
			if p.ToolResult != nil {
				text += "\n" + p.ToolResult.Text
			}
			if found := compared.FindStringSubmatch(text); found != nil {
				id = found[1]
			}
		}
	}
	return call("conclude", map[string]any{
		"verdict": "root_cause", "culprit": "service/catalog", "mechanism": "slow_dependency", "confidence": 0.8,
		"title": "The catalog got slow", "summary": "Its listings take longer than before.",
		"claims": []map[string]any{{
			"text": "Services are slower than in healthy time.", "evidence": []string{id},
			"checks": []string{fmt.Sprintf(`any([x["slow"] for x in ev[%q]["services"]])`, id)},
		}},
	})
}
