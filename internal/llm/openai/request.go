package openai

import (
	"encoding/json"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/shared"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/wire"
)

// request says a request in the vendor's words. own tells OpenAI from the compatible: reasoning models at OpenAI refuse
// max_tokens, and much of what is compatible knows only that. Caching needs no mark: the vendor caches prefixes by itself.
func request(r llm.Request, own bool) sdk.ChatCompletionNewParams {
	params := sdk.ChatCompletionNewParams{
		Model:         r.Model,
		Store:         sdk.Bool(false),
		StreamOptions: sdk.ChatCompletionStreamOptionsParam{IncludeUsage: sdk.Bool(true)},
	}
	if own {
		params.MaxCompletionTokens = sdk.Int(int64(r.MaxTokens))
	} else {
		params.MaxTokens = sdk.Int(int64(r.MaxTokens))
	}
	if r.System != "" {
		params.Messages = append(params.Messages, sdk.SystemMessage(r.System))
	}
	for _, m := range wire.Messages(r) {
		if m.Role == llm.Assistant {
			params.Messages = append(params.Messages, assistant(m))
		} else {
			params.Messages = append(params.Messages, user(m)...)
		}
	}
	for _, t := range r.Tools {
		params.Tools = append(params.Tools, tool(t))
	}
	return params
}

func tool(t llm.Tool) sdk.ChatCompletionToolUnionParam {
	var schema shared.FunctionParameters
	if err := json.Unmarshal(t.Schema, &schema); err != nil {
		schema = shared.FunctionParameters{"type": "object"} // the receiver checks arguments anyway
	}
	return sdk.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
		Name:        t.Name,
		Description: sdk.String(t.Description),
		Parameters:  schema,
	})
}

func assistant(m llm.Message) sdk.ChatCompletionMessageParamUnion {
	var said sdk.ChatCompletionAssistantMessageParam
	text := ""
	for _, p := range m.Parts {
		if p.ToolUse == nil {
			text += p.Text
			continue
		}
		said.ToolCalls = append(said.ToolCalls, sdk.ChatCompletionMessageToolCallUnionParam{
			OfFunction: &sdk.ChatCompletionMessageFunctionToolCallParam{
				ID:       p.ToolUse.ID,
				Function: sdk.ChatCompletionMessageFunctionToolCallFunctionParam{Name: p.ToolUse.Name, Arguments: wire.Written(p.ToolUse.Arguments)},
			},
		})
	}
	if text != "" {
		said.Content.OfString = sdk.String(text)
	}
	return sdk.ChatCompletionMessageParamUnion{OfAssistant: &said}
}

// user is one message for each tool result, then one for the rest.
func user(m llm.Message) []sdk.ChatCompletionMessageParamUnion {
	var said []sdk.ChatCompletionMessageParamUnion
	var texts []sdk.ChatCompletionContentPartUnionParam
	for _, p := range m.Parts {
		if p.ToolResult != nil {
			said = append(said, sdk.ToolMessage(wire.Result(p.ToolResult, true), p.ToolResult.ID))
		} else {
			texts = append(texts, sdk.TextContentPart(p.Text))
		}
	}
	switch len(texts) {
	case 0:
		return said
	case 1: // plain text is what every compatible endpoint reads
		return append(said, sdk.UserMessage(texts[0].OfText.Text))
	default:
		return append(said, sdk.UserMessage(texts))
	}
}
