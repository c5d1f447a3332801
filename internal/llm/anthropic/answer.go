package anthropic

import (
	sdk "github.com/anthropics/anthropic-sdk-go"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/wire"
)

// answer is what the events of a stream add up to.
type answer struct {
	wire.Answer
	model string
	stop  sdk.StopReason
	usage llm.Usage
	ended bool
}

func (a *answer) add(e sdk.MessageStreamEventUnion) {
	switch e.Type {
	case "message_start":
		u := e.Message.Usage
		a.model = e.Message.Model
		a.usage = wire.Usage(u.InputTokens, u.OutputTokens, u.CacheReadInputTokens, u.CacheCreationInputTokens)
	case "content_block_start":
		switch e.ContentBlock.Type {
		case "text":
			a.Text(e.Index, e.ContentBlock.Text)
		case "tool_use":
			a.Tool(e.Index, e.ContentBlock.ID, e.ContentBlock.Name)
		}
	case "content_block_delta":
		switch e.Delta.Type {
		case "text_delta":
			a.Text(e.Index, e.Delta.Text)
		case "input_json_delta":
			a.Arguments(e.Index, e.Delta.PartialJSON)
		}
	case "message_delta":
		if e.Delta.StopReason != "" {
			a.stop = e.Delta.StopReason
		}
		a.count(e.Usage)
	case "message_stop":
		a.ended = true
	}
}

// count takes the later figures: they are totals, and those that are absent did not change.
func (a *answer) count(u sdk.MessageDeltaUsage) {
	a.usage.Output = max(a.usage.Output, u.OutputTokens)
	a.usage.Input = max(a.usage.Input, u.InputTokens)
	a.usage.CacheRead = max(a.usage.CacheRead, u.CacheReadInputTokens)
	a.usage.CacheWrite = max(a.usage.CacheWrite, u.CacheCreationInputTokens)
}

func (a *answer) response(id string) llm.Response {
	return llm.Response{Model: a.model, Message: a.Message(), Stop: a.reason(), Usage: a.usage, Request: id}
}

func (a *answer) reason() llm.Stop {
	switch a.stop {
	case sdk.StopReasonRefusal:
		return llm.StopRefused
	case sdk.StopReasonMaxTokens, sdk.StopReasonModelContextWindowExceeded:
		return llm.StopLength
	}
	if a.Tools() {
		return llm.StopTools
	}
	return llm.StopEnd
}
