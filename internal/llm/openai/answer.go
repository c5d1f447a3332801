package openai

import (
	sdk "github.com/openai/openai-go/v3"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/wire"
)

// textBlock is the index of the text, which the vendor does not number. Tool calls count from 0.
const textBlock = -1

// answer is what the chunks of a stream add up to.
type answer struct {
	wire.Answer
	model   string
	stop    string
	refused bool
	usage   llm.Usage
	counted bool
}

func (a *answer) add(c sdk.ChatCompletionChunk) {
	if c.Model != "" {
		a.model = c.Model
	}
	if c.JSON.Usage.Valid() {
		a.count(c.Usage)
	}
	for _, choice := range c.Choices {
		if choice.Index != 0 {
			continue // only one was asked for
		}
		a.delta(choice.Delta)
		if choice.FinishReason != "" {
			a.stop = choice.FinishReason
		}
	}
}

func (a *answer) delta(d sdk.ChatCompletionChunkChoiceDelta) {
	if d.Content != "" {
		a.Text(textBlock, d.Content)
	}
	if d.Refusal != "" {
		a.refused = true
		a.Text(textBlock, d.Refusal)
	}
	for _, call := range d.ToolCalls {
		if call.ID != "" || call.Function.Name != "" {
			a.Tool(call.Index, call.ID, call.Function.Name)
		}
		a.Arguments(call.Index, call.Function.Arguments)
	}
}

// count splits the prompt: the vendor's figure includes what came from or went to the cache.
func (a *answer) count(u sdk.CompletionUsage) {
	a.counted = true
	read, written := u.PromptTokensDetails.CachedTokens, u.PromptTokensDetails.CacheWriteTokens
	a.usage = wire.Usage(u.PromptTokens-max(0, read)-max(0, written), u.CompletionTokens, read, written)
}

func (a *answer) response(id string) llm.Response {
	return llm.Response{Model: a.model, Message: a.Message(), Stop: a.reason(), Usage: a.usage, Request: id}
}

func (a *answer) reason() llm.Stop {
	switch {
	case a.refused || a.stop == "content_filter":
		return llm.StopRefused
	case a.stop == "length":
		return llm.StopLength
	case a.Tools(): // some endpoints say "stop" here
		return llm.StopTools
	default:
		return llm.StopEnd
	}
}
