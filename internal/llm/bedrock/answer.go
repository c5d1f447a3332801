package bedrock

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/wire"
)

// answer is what the events of a stream add up to.
type answer struct {
	wire.Answer
	stop    types.StopReason
	usage   llm.Usage
	counted bool
}

func (a *answer) add(event types.ConverseStreamOutput) {
	switch e := event.(type) {
	case *types.ConverseStreamOutputMemberContentBlockStart:
		if start, ok := e.Value.Start.(*types.ContentBlockStartMemberToolUse); ok {
			a.Tool(index(e.Value.ContentBlockIndex), aws.ToString(start.Value.ToolUseId), aws.ToString(start.Value.Name))
		}
	case *types.ConverseStreamOutputMemberContentBlockDelta:
		switch delta := e.Value.Delta.(type) {
		case *types.ContentBlockDeltaMemberText:
			a.Text(index(e.Value.ContentBlockIndex), delta.Value)
		case *types.ContentBlockDeltaMemberToolUse:
			a.Arguments(index(e.Value.ContentBlockIndex), aws.ToString(delta.Value.Input))
		}
	case *types.ConverseStreamOutputMemberMessageStop:
		a.stop = e.Value.StopReason
	case *types.ConverseStreamOutputMemberMetadata:
		a.count(e.Value.Usage)
	}
}

func index(i *int32) int64 { return int64(aws.ToInt32(i)) }

func (a *answer) count(u *types.TokenUsage) {
	if u == nil {
		return
	}
	a.counted = true
	a.usage = wire.Usage(
		int64(aws.ToInt32(u.InputTokens)), int64(aws.ToInt32(u.OutputTokens)),
		int64(aws.ToInt32(u.CacheReadInputTokens)), int64(aws.ToInt32(u.CacheWriteInputTokens)))
}

func (a *answer) malformed() bool { return a.stop == types.StopReasonMalformedModelOutput }

func (a *answer) response(model, id string) llm.Response {
	return llm.Response{Model: model, Message: a.Message(), Stop: a.reason(), Usage: a.usage, Request: id}
}

func (a *answer) reason() llm.Stop {
	switch a.stop {
	case types.StopReasonGuardrailIntervened, types.StopReasonContentFiltered:
		return llm.StopRefused
	case types.StopReasonMaxTokens, types.StopReasonModelContextWindowExceeded:
		return llm.StopLength
	}
	if a.Tools() {
		return llm.StopTools
	}
	return llm.StopEnd
}
