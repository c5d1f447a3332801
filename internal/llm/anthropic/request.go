package anthropic

import (
	sdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/packages/param"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/wire"
)

// request says a request in the vendor's words. Three cache points, of four allowed: the tools, which stay the same over
// investigations, the system prompt, and the conversation so far, which the next turn begins with.
func request(r llm.Request) sdk.MessageNewParams {
	messages := wire.Messages(r)
	params := sdk.MessageNewParams{
		Model:     r.Model,
		MaxTokens: int64(r.MaxTokens),
		Tools:     tools(r.Tools),
		Messages:  make([]sdk.MessageParam, 0, len(messages)),
	}
	if r.System != "" {
		params.System = []sdk.TextBlockParam{{Text: r.System, CacheControl: sdk.NewCacheControlEphemeralParam()}}
	}
	last := wire.LastUser(messages)
	for i, m := range messages {
		params.Messages = append(params.Messages, message(m, i == last))
	}
	return params
}

func tools(declared []llm.Tool) []sdk.ToolUnionParam {
	var params []sdk.ToolUnionParam
	for i, t := range declared {
		p := &sdk.ToolParam{
			Name:        t.Name,
			Description: sdk.String(t.Description),
			InputSchema: param.Override[sdk.ToolInputSchemaParam](t.Schema),
		}
		if i == len(declared)-1 {
			p.CacheControl = sdk.NewCacheControlEphemeralParam()
		}
		params = append(params, sdk.ToolUnionParam{OfTool: p})
	}
	return params
}

func message(m llm.Message, cache bool) sdk.MessageParam {
	said := sdk.MessageParam{Role: sdk.MessageParamRoleUser}
	if m.Role == llm.Assistant {
		said.Role = sdk.MessageParamRoleAssistant
	}
	for _, p := range m.Parts {
		said.Content = append(said.Content, part(p))
	}
	if cache {
		mark(&said.Content[len(said.Content)-1])
	}
	return said
}

func part(p llm.Part) sdk.ContentBlockParamUnion {
	switch {
	case p.ToolUse != nil:
		return sdk.NewToolUseBlock(p.ToolUse.ID, wire.Object(p.ToolUse.Arguments), p.ToolUse.Name)
	case p.ToolResult != nil:
		return sdk.NewToolResultBlock(p.ToolResult.ID, wire.Result(p.ToolResult, false), p.ToolResult.Error)
	default:
		return sdk.NewTextBlock(p.Text)
	}
}

func mark(block *sdk.ContentBlockParamUnion) {
	if control := block.GetCacheControl(); control != nil {
		*control = sdk.NewCacheControlEphemeralParam()
	}
}
