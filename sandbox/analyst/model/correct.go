package model

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/midwatch/midwatch/internal/llm"
)

// correct tells an answer that could not be used, and what was wrong with it.
func (s *session) correct(n int, a llm.Response) []llm.Message {
	r := s.read(a)
	said := llm.Message{Role: llm.Assistant}
	if text := lines(words(a.Message), maxSay); text != "" {
		said.Parts = append(said.Parts, llm.Part{Text: text})
	}
	told := llm.Message{Role: llm.User}
	for i, use := range uses(a.Message) {
		id := fmt.Sprintf("t%da%dc%d", s.turn, n+1, i+1)
		said.Parts = append(said.Parts, llm.Part{ToolUse: &llm.ToolUse{ID: id, Name: toolName(use.Name), Arguments: echo(use.Arguments)}})
		told.Parts = append(told.Parts, llm.Part{ToolResult: s.answerTo(r, i, use, id)})
	}
	if len(said.Parts) == 0 {
		said.Parts = append(said.Parts, llm.Part{Text: "(nothing)"})
	}
	var rest []string
	for _, f := range r.faults {
		if f.use == whole {
			rest = append(rest, f.text)
		}
	}
	if len(r.faults) == 0 && len(r.repeats) > 0 {
		rest = append(rest, "Nothing was run. Ask something new, or conclude.")
	} else {
		rest = append(rest, "Nothing of this answer was run: answer again, whole.")
	}
	told.Parts = append(told.Parts, llm.Part{Text: strings.Join(rest, " ")})
	return []llm.Message{said, told}
}

// answerTo is what comes back for one tool use of an answer that could not be used.
func (s *session) answerTo(r reading, i int, use llm.ToolUse, id string) *llm.ToolResult {
	var wrong []string
	for _, f := range r.faults {
		if f.use == i {
			wrong = append(wrong, f.text)
		}
	}
	if len(wrong) > 0 {
		return &llm.ToolResult{ID: id, Text: strings.Join(wrong, " "), Error: true}
	}
	if call, fault := s.readCall(use); fault == "" {
		if known := s.answered(call); known != "" {
			return &llm.ToolResult{ID: id, Text: fmt.Sprintf("You have this already: it is evidence %s.", known)}
		}
	}
	return &llm.ToolResult{ID: id, Text: "In order, but not run."}
}

// maxEcho bounds the arguments that are told again, in bytes.
const maxEcho = 6000

// echo is the model's own arguments, if they are an object and not too long: providers refuse anything else.
func echo(arguments json.RawMessage) json.RawMessage {
	if _, ok := object(arguments); !ok || len(arguments) > maxEcho {
		return json.RawMessage(`{}`)
	}
	return arguments
}

var notInName = regexp.MustCompile(`[^a-zA-Z0-9_-]`)

// toolName is a name every provider takes back.
func toolName(name string) string {
	if name = notInName.ReplaceAllString(name, "_"); name == "" {
		return "unnamed"
	}
	return name[:min(len(name), 64)]
}
