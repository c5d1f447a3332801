package llmtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/midwatch/midwatch/internal/llm"
)

// check refuses what all three vendors refuse, or at least one where the others are lenient.
func check(r llm.Request) error {
	if r.MaxTokens < 1 {
		return errors.New("max_tokens: must be at least 1")
	}
	if len(r.Messages) == 0 || r.Messages[0].Role != llm.User {
		return errors.New("messages: the first must be of role user")
	}
	for _, t := range r.Tools {
		if !isObject(t.Schema) {
			return fmt.Errorf("tools: the schema of %s is no object", t.Name)
		}
	}
	waiting := map[string]bool{} // tool calls of the message before
	for i, m := range r.Messages {
		asked, err := checkMessage(m, waiting, len(r.Tools) > 0)
		if err != nil {
			return fmt.Errorf("messages.%d: %w", i, err)
		}
		waiting = asked
	}
	return nil
}

// checkMessage takes the tool calls that wait for an answer and returns those that wait after this message.
func checkMessage(m llm.Message, waiting map[string]bool, tools bool) (map[string]bool, error) {
	if len(m.Parts) == 0 {
		return nil, errors.New("content: must not be empty")
	}
	asked, results := map[string]bool{}, true
	for _, p := range m.Parts {
		switch {
		case p.ToolResult != nil:
			if !results {
				return nil, errors.New("tool_result: must come before text")
			}
			if !waiting[p.ToolResult.ID] || p.ToolResult.Text == "" {
				return nil, fmt.Errorf("tool_result: %s answers no call of the message before, or says nothing", p.ToolResult.ID)
			}
			delete(waiting, p.ToolResult.ID)
		case p.ToolUse != nil:
			if !tools || m.Role != llm.Assistant {
				return nil, errors.New("tool_use: no tools are declared, or a user asks")
			}
			asked[p.ToolUse.ID] = true
		case p.Text == "":
			return nil, errors.New("text: must not be empty")
		}
		results = results && p.ToolResult != nil
	}
	if len(waiting) > 0 {
		return nil, errors.New("tool_use: a call of the message before has no tool_result")
	}
	return asked, nil
}

func isObject(raw json.RawMessage) bool {
	return json.Valid(raw) && bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{"))
}
