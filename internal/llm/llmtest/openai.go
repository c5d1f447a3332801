package llmtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/midwatch/midwatch/internal/llm"
)

// openai is the Chat Completions API, streamed.
type openai struct{}

func (openai) kind() string        { return llm.KindOpenAI }
func (openai) contentType() string { return "text/event-stream; charset=utf-8" }

func (openai) accepts(r *http.Request, _ []byte) error {
	if r.Header.Get("Authorization") != "Bearer "+Key {
		// The vendor repeats parts of the key it does not know; this repeats all of it.
		return fmt.Errorf("Incorrect API key provided: %s", r.Header.Get("Authorization")) //nolint:staticcheck // the vendor's words
	}
	return nil
}

type openaiBody struct {
	Model               string          `json:"model"`
	MaxTokens           int             `json:"max_tokens"`
	MaxCompletionTokens int             `json:"max_completion_tokens"`
	Messages            []openaiMessage `json:"messages"`
	Tools               []struct {
		Type     string `json:"type"`
		Function struct {
			Name        string          `json:"name"`
			Description string          `json:"description"`
			Parameters  json.RawMessage `json:"parameters"`
		} `json:"function"`
	} `json:"tools"`
	Store         bool `json:"store"`
	Stream        bool `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

type openaiMessage struct {
	Role       string          `json:"role"`
	Content    json.RawMessage `json:"content"` // a string, or a list of text parts
	ToolCallID string          `json:"tool_call_id"`
	ToolCalls  []struct {
		ID       string `json:"id"`
		Type     string `json:"type"`
		Function struct {
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		} `json:"function"`
	} `json:"tool_calls"`
}

func (openai) decode(r *http.Request, raw []byte) (llm.Request, []string, error) {
	var body openaiBody
	if r.Method != http.MethodPost || r.URL.Path != "/v1/chat/completions" {
		return llm.Request{}, nil, fmt.Errorf("nothing is at %s %s", r.Method, r.URL.Path)
	}
	if err := strict(raw, &body); err != nil {
		return llm.Request{}, nil, err
	}
	if !body.Stream || !body.StreamOptions.IncludeUsage {
		return llm.Request{}, nil, errors.New("stream: only streamed answers with their usage are scripted")
	}
	request := llm.Request{Model: body.Model, MaxTokens: max(body.MaxTokens, body.MaxCompletionTokens)}
	for _, t := range body.Tools {
		request.Tools = append(request.Tools, llm.Tool{Name: t.Function.Name, Description: t.Function.Description, Schema: t.Function.Parameters})
	}
	for _, m := range body.Messages {
		parts, err := m.parts()
		if err != nil {
			return llm.Request{}, nil, err
		}
		switch m.Role {
		case "system", "developer":
			request.System += parts[0].Text
		case "assistant":
			request.Messages = append(request.Messages, llm.Message{Role: llm.Assistant, Parts: parts})
		case "user", "tool":
			request.Messages = appendUser(request.Messages, parts)
		default:
			return llm.Request{}, nil, fmt.Errorf("messages: unknown role %q", m.Role)
		}
	}
	return request, nil, nil
}

// appendUser joins what a user says, one message for each tool result on this wire.
func appendUser(messages []llm.Message, parts []llm.Part) []llm.Message {
	if n := len(messages); n > 0 && messages[n-1].Role == llm.User {
		messages[n-1].Parts = append(messages[n-1].Parts, parts...)
		return messages
	}
	return append(messages, llm.Message{Role: llm.User, Parts: parts})
}

func (m openaiMessage) parts() ([]llm.Part, error) {
	var texts []string
	var one string
	var list []struct{ Type, Text string }
	switch {
	case len(m.Content) == 0:
	case json.Unmarshal(m.Content, &one) == nil:
		texts = []string{one}
	case json.Unmarshal(m.Content, &list) == nil:
		for _, p := range list {
			texts = append(texts, p.Text)
		}
	default:
		return nil, errors.New("messages: content is neither a string nor a list")
	}
	if m.Role == "tool" {
		if len(texts) != 1 {
			return nil, errors.New("messages: a tool says one text")
		}
		return []llm.Part{{ToolResult: &llm.ToolResult{ID: m.ToolCallID, Text: texts[0]}}}, nil
	}
	var parts []llm.Part
	for _, t := range texts {
		parts = append(parts, llm.Part{Text: t})
	}
	for _, t := range m.ToolCalls {
		arguments := json.RawMessage(t.Function.Arguments)
		if !json.Valid(arguments) {
			arguments = object(t.Function.Arguments)
		}
		parts = append(parts, llm.Part{ToolUse: &llm.ToolUse{ID: t.ID, Name: t.Function.Name, Arguments: arguments}})
	}
	if len(parts) == 0 {
		return nil, errors.New("messages: one says nothing")
	}
	return parts, nil
}

func (openai) frames(c Call, a Answer) [][]byte {
	chunk := func(rest fields) []byte {
		rest["id"], rest["object"], rest["created"], rest["model"] = fmt.Sprintf("chatcmpl-%d", c.Number), "chat.completion.chunk", 1763780000, c.Request.Model
		return fmt.Appendf(nil, "data: %s\n\n", object(rest))
	}
	choice := func(delta fields, finish any) []byte {
		return chunk(fields{"choices": []any{fields{"index": 0, "delta": delta, "logprobs": nil, "finish_reason": finish}}, "usage": nil})
	}
	frames := [][]byte{choice(fields{"role": "assistant", "content": "", "refusal": nil}, nil)}
	said := "content"
	if a.stop() == llm.StopRefused {
		said = "refusal"
	}
	if a.Text != "" {
		for _, p := range pieces(a.Text) {
			frames = append(frames, choice(fields{said: p}, nil))
		}
	}
	for i, t := range a.Tools {
		call := fields{"index": i, "id": t.ID, "type": "function", "function": fields{"name": t.Name, "arguments": ""}}
		frames = append(frames, choice(fields{"tool_calls": []any{call}}, nil))
		for _, p := range pieces(t.Arguments) {
			frames = append(frames, choice(fields{"tool_calls": []any{fields{"index": i, "function": fields{"arguments": p}}}}, nil))
		}
	}
	u := a.usage(c)
	return append(frames, choice(fields{}, openaiFinish(a)), chunk(fields{"choices": []any{}, "usage": fields{
		"prompt_tokens": u.Input + u.CacheRead + u.CacheWrite, "completion_tokens": u.Output,
		"total_tokens":          u.Input + u.CacheRead + u.CacheWrite + u.Output,
		"prompt_tokens_details": fields{"cached_tokens": u.CacheRead, "cache_write_tokens": u.CacheWrite, "audio_tokens": 0},
	}}), []byte("data: [DONE]\n\n"))
}

// openaiFinish says of a refusal in words that it stopped, of one without that a filter did.
func openaiFinish(a Answer) string {
	switch a.stop() {
	case llm.StopTools:
		return "tool_calls"
	case llm.StopLength:
		return "length"
	case llm.StopRefused:
		if a.Text == "" {
			return "content_filter"
		}
	}
	return "stop"
}

func (openai) failure(kind llm.Kind, message string, _ http.Header) (int, string) {
	status, body := openaiError(kind, message)
	return status, string(object(body))
}

func (openai) interrupt(kind llm.Kind) []byte {
	_, body := openaiError(kind, "")
	return fmt.Appendf(nil, "data: %s\n\n", object(body))
}

func openaiError(kind llm.Kind, message string) (int, fields) {
	status, typ, code, text := http.StatusServiceUnavailable, "server_error", any(nil), "The server is currently overloaded. Please try again later."
	switch kind {
	case llm.Throttled:
		status, typ, code, text = http.StatusTooManyRequests, "tokens", "rate_limit_exceeded", "Rate limit reached on tokens per min (TPM)."
	case llm.Denied:
		status, typ, code, text = http.StatusUnauthorized, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."
	case llm.Invalid:
		status, typ, code, text = http.StatusBadRequest, "invalid_request_error", "context_length_exceeded", "This model's maximum context length is 128000 tokens."
	}
	if message != "" {
		text = message
	}
	return status, fields{"error": fields{"message": text, "type": typ, "param": nil, "code": code}}
}
