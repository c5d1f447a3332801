package llmtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/midwatch/midwatch/internal/llm"
)

// anthropic is the Messages API, version 2023-06-01, streamed.
type anthropic struct{}

func (anthropic) kind() string        { return llm.KindAnthropic }
func (anthropic) contentType() string { return "text/event-stream; charset=utf-8" }

func (anthropic) accepts(r *http.Request, _ []byte) error {
	if r.Header.Get("X-Api-Key") != Key || r.Header.Get("Authorization") != "" {
		return errors.New("invalid x-api-key")
	}
	return nil
}

type anthropicBody struct {
	Model     string           `json:"model"`
	MaxTokens int              `json:"max_tokens"`
	Stream    bool             `json:"stream"`
	System    []anthropicBlock `json:"system"`
	Tools     []struct {
		Name         string          `json:"name"`
		Description  string          `json:"description"`
		InputSchema  json.RawMessage `json:"input_schema"`
		CacheControl *cacheControl   `json:"cache_control"`
	} `json:"tools"`
	Messages []struct {
		Role    llm.Role         `json:"role"`
		Content []anthropicBlock `json:"content"`
	} `json:"messages"`
}

type cacheControl struct {
	Type string `json:"type"`
}

// anthropicBlock is a block of any kind: which fields are set depends on its type.
type anthropicBlock struct {
	Type         string           `json:"type"`
	Text         string           `json:"text"`
	ID           string           `json:"id"`
	Name         string           `json:"name"`
	Input        json.RawMessage  `json:"input"`
	ToolUseID    string           `json:"tool_use_id"`
	Content      []anthropicBlock `json:"content"`
	IsError      bool             `json:"is_error"`
	CacheControl *cacheControl    `json:"cache_control"`
}

func (anthropic) decode(r *http.Request, raw []byte) (llm.Request, []string, error) {
	var body anthropicBody
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/v1/messages":
		return llm.Request{}, nil, fmt.Errorf("nothing is at %s %s", r.Method, r.URL.Path)
	case r.Header.Get("Anthropic-Version") != "2023-06-01":
		return llm.Request{}, nil, errors.New("anthropic-version: header is required")
	}
	if err := strict(raw, &body); err != nil {
		return llm.Request{}, nil, err
	}
	if !body.Stream {
		return llm.Request{}, nil, errors.New("stream: only streamed answers are scripted")
	}
	request := llm.Request{Model: body.Model, MaxTokens: body.MaxTokens}
	points := new(points)
	for _, s := range body.System {
		request.System += s.Text
		points.add("system", s.CacheControl != nil)
	}
	for _, t := range body.Tools {
		request.Tools = append(request.Tools, llm.Tool{Name: t.Name, Description: t.Description, Schema: t.InputSchema})
		points.add("tools", t.CacheControl != nil)
	}
	for _, m := range body.Messages {
		message := llm.Message{Role: m.Role}
		for _, b := range m.Content {
			part, err := b.part()
			if err != nil {
				return llm.Request{}, nil, err
			}
			message.Parts = append(message.Parts, part)
			points.add("messages", b.CacheControl != nil)
		}
		request.Messages = append(request.Messages, message)
	}
	return request, points.at, points.check(4)
}

func (b anthropicBlock) part() (llm.Part, error) {
	switch b.Type {
	case "text":
		return llm.Part{Text: b.Text}, nil
	case "tool_use":
		if !isObject(b.Input) {
			return llm.Part{}, errors.New("tool_use.input: Input should be a valid dictionary")
		}
		return llm.Part{ToolUse: &llm.ToolUse{ID: b.ID, Name: b.Name, Arguments: b.Input}}, nil
	case "tool_result":
		result := &llm.ToolResult{ID: b.ToolUseID, Error: b.IsError}
		for _, c := range b.Content {
			result.Text += c.Text
		}
		return llm.Part{ToolResult: result}, nil
	default:
		return llm.Part{}, fmt.Errorf("content: unknown type %q", b.Type)
	}
}

// points are cache points: where they are, each place once, and how many.
type points struct {
	at    []string
	count int
}

func (p *points) add(where string, marked bool) {
	if !marked {
		return
	}
	p.count++
	if len(p.at) == 0 || p.at[len(p.at)-1] != where {
		p.at = append(p.at, where)
	}
}

func (p *points) check(most int) error {
	if p.count > most {
		return fmt.Errorf("a maximum of %d blocks with cache points may be provided, found %d", most, p.count)
	}
	return nil
}

type fields = map[string]any

func (anthropic) frames(c Call, a Answer) [][]byte {
	u := a.usage(c)
	frames := [][]byte{event("message_start", fields{"message": fields{
		"id": fmt.Sprintf("msg_%d", c.Number), "type": "message", "role": "assistant", "model": c.Request.Model, "content": []any{},
		"stop_reason": nil, "stop_sequence": nil,
		"usage": fields{
			"input_tokens": u.Input, "cache_creation_input_tokens": u.CacheWrite, "cache_read_input_tokens": u.CacheRead, "output_tokens": 1,
		},
	}}), event("ping", fields{})}
	block := 0
	add := func(start fields, deltas []fields) {
		frames = append(frames, event("content_block_start", fields{"index": block, "content_block": start}))
		for _, d := range deltas {
			frames = append(frames, event("content_block_delta", fields{"index": block, "delta": d}))
		}
		frames = append(frames, event("content_block_stop", fields{"index": block}))
		block++
	}
	if a.Text != "" {
		var deltas []fields
		for _, p := range pieces(a.Text) {
			deltas = append(deltas, fields{"type": "text_delta", "text": p})
		}
		add(fields{"type": "text", "text": ""}, deltas)
	}
	for _, t := range a.Tools {
		var deltas []fields
		for _, p := range pieces(t.Arguments) {
			deltas = append(deltas, fields{"type": "input_json_delta", "partial_json": p})
		}
		add(fields{"type": "tool_use", "id": t.ID, "name": t.Name, "input": fields{}}, deltas)
	}
	reasons := map[llm.Stop]string{llm.StopEnd: "end_turn", llm.StopTools: "tool_use", llm.StopLength: "max_tokens", llm.StopRefused: "refusal"}
	return append(frames,
		event("message_delta", fields{"delta": fields{"stop_reason": reasons[a.stop()], "stop_sequence": nil}, "usage": fields{"output_tokens": u.Output}}),
		event("message_stop", fields{}))
}

// event is a server-sent event whose data repeats its name.
func event(name string, data fields) []byte {
	data["type"] = name
	return fmt.Appendf(nil, "event: %s\ndata: %s\n\n", name, object(data))
}

func (anthropic) failure(kind llm.Kind, message string, _ http.Header) (int, string) {
	status, name, text := anthropicError(kind)
	if message != "" {
		text = message
	}
	return status, string(object(fields{"type": "error", "error": fields{"type": name, "message": text}}))
}

func (anthropic) interrupt(kind llm.Kind) []byte {
	_, name, text := anthropicError(kind)
	return event("error", fields{"error": fields{"type": name, "message": text}})
}

func anthropicError(kind llm.Kind) (status int, name, text string) {
	switch kind {
	case llm.Throttled:
		return http.StatusTooManyRequests, "rate_limit_error", "This request would exceed your organization's rate limit."
	case llm.Denied:
		return http.StatusUnauthorized, "authentication_error", "invalid x-api-key"
	case llm.Invalid:
		return http.StatusBadRequest, "invalid_request_error", "prompt is too long: 200001 tokens > 200000 maximum"
	default:
		return 529, "overloaded_error", "Overloaded"
	}
}
