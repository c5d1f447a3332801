package bedrock

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/wire"
)

// request says a request in the vendor's words. It fails only where a tool's schema is no JSON.
func request(r llm.Request) (*bedrockruntime.ConverseStreamInput, error) {
	family := familyOf(r.Model)
	input := &bedrockruntime.ConverseStreamInput{
		ModelId:         aws.String(r.Model),
		InferenceConfig: &types.InferenceConfiguration{MaxTokens: aws.Int32(int32(min(r.MaxTokens, 1<<30)))},
	}
	if r.System != "" {
		input.System = []types.SystemContentBlock{&types.SystemContentBlockMemberText{Value: r.System}}
		if family.caches {
			input.System = append(input.System, &types.SystemContentBlockMemberCachePoint{Value: cachePoint()})
		}
	}
	messages := wire.Messages(r)
	last := wire.LastUser(messages)
	for i, m := range messages {
		said, err := message(m, family)
		if err != nil {
			return nil, err
		}
		if i == last && family.caches {
			said.Content = append(said.Content, &types.ContentBlockMemberCachePoint{Value: cachePoint()})
		}
		input.Messages = append(input.Messages, said)
	}
	var err error
	input.ToolConfig, err = tools(r.Tools, family)
	return input, err
}

// family is what differs between the models behind the one API.
type family struct {
	caches      bool // cache points in system prompt and messages
	cachesTools bool // and after the tools
	marksErrors bool // a tool result's status
}

// familyOf reads a model id or a system-defined inference profile, both of which name the vendor. An application's
// inference profile names none: it works, without cache points.
func familyOf(model string) family {
	named := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(model, p) {
				return true
			}
		}
		return false
	}
	switch {
	case named("anthropic.claude-v2", "anthropic.claude-instant"):
		return family{}
	case named("anthropic.claude-3-haiku", "anthropic.claude-3-sonnet", "anthropic.claude-3-opus", "anthropic.claude-3-5-sonnet-20240620"):
		return family{marksErrors: true}
	case named("anthropic."):
		return family{caches: true, cachesTools: true, marksErrors: true}
	case named("amazon.nova"):
		return family{caches: true, marksErrors: true}
	default:
		return family{}
	}
}

func cachePoint() types.CachePointBlock {
	return types.CachePointBlock{Type: types.CachePointTypeDefault}
}

func tools(declared []llm.Tool, family family) (*types.ToolConfiguration, error) {
	if len(declared) == 0 {
		return nil, nil
	}
	var list []types.Tool
	for _, t := range declared {
		schema, err := document(t.Schema)
		if err != nil {
			return nil, fmt.Errorf("schema of tool %s: %w", t.Name, err)
		}
		spec := types.ToolSpecification{Name: aws.String(t.Name), InputSchema: &types.ToolInputSchemaMemberJson{Value: schema}}
		if t.Description != "" {
			spec.Description = aws.String(t.Description)
		}
		list = append(list, &types.ToolMemberToolSpec{Value: spec})
	}
	if family.cachesTools {
		list = append(list, &types.ToolMemberCachePoint{Value: cachePoint()})
	}
	return &types.ToolConfiguration{Tools: list}, nil
}

func message(m llm.Message, family family) (types.Message, error) {
	said := types.Message{Role: types.ConversationRoleUser}
	if m.Role == llm.Assistant {
		said.Role = types.ConversationRoleAssistant
	}
	for _, p := range m.Parts {
		block, err := part(p, family)
		if err != nil {
			return types.Message{}, err
		}
		said.Content = append(said.Content, block)
	}
	return said, nil
}

func part(p llm.Part, family family) (types.ContentBlock, error) {
	switch {
	case p.ToolUse != nil:
		input, err := document(wire.Object(p.ToolUse.Arguments))
		if err != nil {
			return nil, fmt.Errorf("arguments of tool call %s: %w", p.ToolUse.ID, err)
		}
		return &types.ContentBlockMemberToolUse{Value: types.ToolUseBlock{
			ToolUseId: aws.String(p.ToolUse.ID), Name: aws.String(p.ToolUse.Name), Input: input,
		}}, nil
	case p.ToolResult != nil:
		result := types.ToolResultBlock{
			ToolUseId: aws.String(p.ToolResult.ID),
			Content:   []types.ToolResultContentBlock{&types.ToolResultContentBlockMemberText{Value: wire.Result(p.ToolResult, !family.marksErrors)}},
		}
		if p.ToolResult.Error && family.marksErrors {
			result.Status = types.ToolResultStatusError
		}
		return &types.ContentBlockMemberToolResult{Value: result}, nil
	default:
		return &types.ContentBlockMemberText{Value: p.Text}, nil
	}
}
