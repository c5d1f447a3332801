package wire

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/midwatch/midwatch/internal/llm"
)

// Object is arguments for vendors that take only an object back: anything else is wrapped in one.
func Object(arguments json.RawMessage) json.RawMessage {
	if trimmed := bytes.TrimSpace(arguments); len(trimmed) > 0 && trimmed[0] == '{' && json.Valid(trimmed) {
		return trimmed
	}
	if !json.Valid(arguments) {
		arguments = quote(string(arguments))
	}
	return json.RawMessage(`{"unreadable":` + string(arguments) + `}`)
}

// Written is arguments for vendors that take back the text a model wrote.
func Written(arguments json.RawMessage) string {
	var text string
	if json.Unmarshal(arguments, &text) == nil {
		return text
	}
	return string(arguments)
}

// Result is the text of a tool result. Vendors refuse an empty one. mark says whether an error must be told in words.
func Result(r *llm.ToolResult, mark bool) string {
	text := oneOf(r.Text, "(no output)")
	if r.Error && mark {
		return "error: " + text
	}
	return text
}

// Messages puts tool results before what else a user says, as the vendors want them, and leaves out what is empty.
// Without tools the calls and results of earlier turns become text: the vendors refuse them where no tool is declared.
func Messages(r llm.Request) []llm.Message {
	messages := make([]llm.Message, 0, len(r.Messages))
	for _, m := range r.Messages {
		var results, rest []llm.Part
		for _, p := range m.Parts {
			if len(r.Tools) == 0 {
				p = inWords(p)
			}
			switch {
			case p.ToolResult != nil:
				results = append(results, p)
			case p.ToolUse != nil || p.Text != "":
				rest = append(rest, p)
			}
		}
		if parts := append(results, rest...); len(parts) > 0 {
			messages = append(messages, llm.Message{Role: m.Role, Parts: parts})
		}
	}
	return messages
}

func inWords(p llm.Part) llm.Part {
	switch {
	case p.ToolUse != nil:
		return llm.Part{Text: fmt.Sprintf("(I called the tool %s with %s; the call is %s.)", p.ToolUse.Name, p.ToolUse.Arguments, p.ToolUse.ID)}
	case p.ToolResult != nil:
		return llm.Part{Text: fmt.Sprintf("(Result of call %s:)\n%s", p.ToolResult.ID, Result(p.ToolResult, true))}
	default:
		return p
	}
}

// LastUser is the index of the last message of a user, -1 if there is none.
func LastUser(messages []llm.Message) int {
	for i := len(messages) - 1; i >= 0; i-- {
		if messages[i].Role == llm.User {
			return i
		}
	}
	return -1
}
