package llmtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/midwatch/midwatch/internal/llm"
)

// bedrock is Amazon Bedrock's ConverseStream.
type bedrock struct{}

func (bedrock) kind() string        { return llm.KindBedrock }
func (bedrock) contentType() string { return "application/vnd.amazon.eventstream" }

func (bedrock) accepts(r *http.Request, body []byte) error { return verify(r, body) }

type bedrockBody struct {
	System []struct {
		Text       string      `json:"text"`
		CachePoint *cachePoint `json:"cachePoint"`
	} `json:"system"`
	Messages []struct {
		Role    llm.Role       `json:"role"`
		Content []bedrockBlock `json:"content"`
	} `json:"messages"`
	InferenceConfig struct {
		MaxTokens int `json:"maxTokens"`
	} `json:"inferenceConfig"`
	ToolConfig *struct {
		Tools []struct {
			ToolSpec *struct {
				Name        string `json:"name"`
				Description string `json:"description"`
				InputSchema struct {
					JSON json.RawMessage `json:"json"`
				} `json:"inputSchema"`
			} `json:"toolSpec"`
			CachePoint *cachePoint `json:"cachePoint"`
		} `json:"tools"`
	} `json:"toolConfig"`
}

type cachePoint struct {
	Type string `json:"type"`
}

// bedrockBlock is a union: one field is set.
type bedrockBlock struct {
	Text    string `json:"text"`
	ToolUse *struct {
		ToolUseID string          `json:"toolUseId"`
		Name      string          `json:"name"`
		Input     json.RawMessage `json:"input"`
	} `json:"toolUse"`
	ToolResult *struct {
		ToolUseID string `json:"toolUseId"`
		Content   []struct {
			Text string `json:"text"`
		} `json:"content"`
		Status string `json:"status"`
	} `json:"toolResult"`
	CachePoint *cachePoint `json:"cachePoint"`
}

func (bedrock) decode(r *http.Request, raw []byte) (llm.Request, []string, error) {
	path, found := strings.CutSuffix(strings.TrimPrefix(r.URL.EscapedPath(), "/model/"), "/converse-stream")
	model, err := url.PathUnescape(path)
	if r.Method != http.MethodPost || !found || err != nil {
		return llm.Request{}, nil, fmt.Errorf("nothing is at %s %s", r.Method, r.URL.Path)
	}
	var body bedrockBody
	if err := strict(raw, &body); err != nil {
		return llm.Request{}, nil, err
	}
	request := llm.Request{Model: model, MaxTokens: body.InferenceConfig.MaxTokens}
	points := new(points)
	for _, s := range body.System {
		request.System += s.Text
		points.add("system", s.CachePoint != nil)
	}
	if body.ToolConfig != nil {
		for _, t := range body.ToolConfig.Tools {
			points.add("tools", t.CachePoint != nil)
			if t.ToolSpec != nil {
				request.Tools = append(request.Tools, llm.Tool{Name: t.ToolSpec.Name, Description: t.ToolSpec.Description, Schema: t.ToolSpec.InputSchema.JSON})
			}
		}
	}
	for _, m := range body.Messages {
		message := llm.Message{Role: m.Role}
		for _, b := range m.Content {
			points.add("messages", b.CachePoint != nil)
			if b.CachePoint != nil {
				continue
			}
			part, err := b.part()
			if err != nil {
				return llm.Request{}, nil, err
			}
			message.Parts = append(message.Parts, part)
		}
		request.Messages = append(request.Messages, message)
	}
	if points.count > 0 && !strings.Contains(model, "anthropic.") && !strings.Contains(model, "amazon.nova") {
		return llm.Request{}, nil, errors.New("extraneous key [cachePoint] is not permitted")
	}
	return request, points.at, points.check(4)
}

func (b bedrockBlock) part() (llm.Part, error) {
	switch {
	case b.ToolUse != nil:
		if !isObject(b.ToolUse.Input) {
			return llm.Part{}, errors.New("the format of the value at toolUse.input is invalid: provide a json object")
		}
		return llm.Part{ToolUse: &llm.ToolUse{ID: b.ToolUse.ToolUseID, Name: b.ToolUse.Name, Arguments: b.ToolUse.Input}}, nil
	case b.ToolResult != nil:
		result := &llm.ToolResult{ID: b.ToolResult.ToolUseID, Error: b.ToolResult.Status == "error"}
		for _, c := range b.ToolResult.Content {
			result.Text += c.Text
		}
		return llm.Part{ToolResult: result}, nil
	default:
		return llm.Part{Text: b.Text}, nil
	}
}

func (bedrock) frames(c Call, a Answer) [][]byte {
	frames := [][]byte{message("event", "messageStart", fields{"role": "assistant"})}
	block := 0
	delta := func(d fields) {
		frames = append(frames, message("event", "contentBlockDelta", fields{"contentBlockIndex": block, "delta": d}))
	}
	stop := func() {
		frames = append(frames, message("event", "contentBlockStop", fields{"contentBlockIndex": block}))
		block++
	}
	if a.Text != "" { // a text has no start
		for _, p := range pieces(a.Text) {
			delta(fields{"text": p})
		}
		stop()
	}
	for _, t := range a.Tools {
		start := fields{"contentBlockIndex": block, "start": fields{"toolUse": fields{"toolUseId": t.ID, "name": t.Name}}}
		frames = append(frames, message("event", "contentBlockStart", start))
		for _, p := range pieces(t.Arguments) {
			delta(fields{"toolUse": fields{"input": p}})
		}
		stop()
	}
	u := a.usage(c)
	return append(frames, message("event", "messageStop", fields{"stopReason": bedrockStop(a)}), message("event", "metadata", fields{
		"usage": fields{
			"inputTokens": u.Input, "outputTokens": u.Output, "totalTokens": u.Input + u.Output + u.CacheRead + u.CacheWrite,
			"cacheReadInputTokens": u.CacheRead, "cacheWriteInputTokens": u.CacheWrite,
		},
		"metrics": fields{"latencyMs": 1},
	}))
}

// bedrockStop says of a refusal in words that content was filtered, of one without that a guardrail intervened.
func bedrockStop(a Answer) string {
	switch a.stop() {
	case llm.StopTools:
		return "tool_use"
	case llm.StopLength:
		return "max_tokens"
	case llm.StopRefused:
		if a.Text == "" {
			return "guardrail_intervened"
		}
		return "content_filtered"
	default:
		return "end_turn"
	}
}

// message is one frame of the binary event stream: an event, or an exception.
func message(kind, name string, payload fields) []byte {
	var frame bytes.Buffer
	var m eventstream.Message
	m.Headers.Set(":message-type", eventstream.StringValue(kind))
	m.Headers.Set(":"+kind+"-type", eventstream.StringValue(name))
	m.Headers.Set(":content-type", eventstream.StringValue("application/json"))
	m.Payload = object(payload)
	if err := eventstream.NewEncoder().Encode(&frame, m); err != nil { // into memory, of our own making
		panic(err)
	}
	return frame.Bytes()
}

func (bedrock) failure(kind llm.Kind, text string, header http.Header) (int, string) {
	status, name, standard := bedrockError(kind)
	if text == "" {
		text = standard
	}
	header.Set("X-Amzn-Errortype", name)
	header.Set("X-Amzn-Requestid", "req_failed")
	return status, string(object(fields{"message": text}))
}

func (bedrock) interrupt(kind llm.Kind) []byte {
	_, name, text := bedrockError(kind)
	return message("exception", strings.ToLower(name[:1])+name[1:], fields{"message": text})
}

func bedrockError(kind llm.Kind) (status int, name, text string) {
	switch kind {
	case llm.Throttled:
		return http.StatusTooManyRequests, "ThrottlingException", "Too many tokens, please wait before trying again."
	case llm.Denied:
		return http.StatusForbidden, "AccessDeniedException", "You don't have access to the model with the specified model ID."
	case llm.Invalid:
		return http.StatusBadRequest, "ValidationException", "Input is too long for requested model."
	default:
		return http.StatusServiceUnavailable, "ServiceUnavailableException", "Bedrock is unable to process your request."
	}
}
