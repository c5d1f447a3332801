package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/midwatch/midwatch/internal/llm"
)

// whyArgument is the argument that every tool gets, and that never reaches it.
const whyArgument = "why"

// tool is a tool of the registry, and how the model is told of it.
type tool struct {
	llm.Tool
	schema *jsonschema.Resolved
	shape  shape
	offer  llm.Tool
}

// prepare reads a tool's schema, adds why to it and makes the times optional that have a default.
func prepare(t llm.Tool) (tool, error) {
	out := tool{Tool: t}
	var schema jsonschema.Schema
	if err := json.Unmarshal(t.Schema, &schema); err != nil {
		return out, fmt.Errorf("read its schema: %w", err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		return out, fmt.Errorf("read its schema: %w", err)
	}
	out.schema = resolved
	object, ok := object(t.Schema)
	if !ok {
		return out, errors.New("its schema is not an object")
	}
	out.shape = shapeOf(object)
	properties, _ := object["properties"].(map[string]any)
	if properties == nil {
		properties = map[string]any{}
	}
	object["type"], object["properties"] = "object", properties
	properties[whyArgument] = map[string]any{"type": "string", "description": "one sentence: what the answer will decide"}
	required := []string{whyArgument}
	for _, name := range out.shape.required {
		if !slices.Contains(timeArguments, name) && name != whyArgument {
			required = append(required, name)
		}
	}
	object["required"] = required
	b, err := json.Marshal(object)
	if err != nil {
		return out, fmt.Errorf("write its schema: %w", err)
	}
	out.offer = llm.Tool{Name: t.Name, Description: t.Description, Schema: b}
	return out, nil
}

// timeArguments are filled in from the span when a tool has them and a call does not.
var timeArguments = []string{"from", "to", "baseline_from", "baseline_to"}

// shape is as much of a schema as corrections speak of.
type shape struct {
	required   []string
	properties map[string]property
}

type property struct {
	kind string // JSON type; "" when there is none or several
	enum []string
}

func shapeOf(schema map[string]any) shape {
	s := shape{required: texts(schema["required"]), properties: map[string]property{}}
	properties, _ := schema["properties"].(map[string]any)
	for name, v := range properties {
		p, _ := v.(map[string]any)
		kind, _ := p["type"].(string)
		s.properties[name] = property{kind: kind, enum: texts(p["enum"])}
	}
	return s
}

// texts are the strings of a decoded JSON array.
func texts(v any) []string {
	var out []string
	list, _ := v.([]any)
	for _, e := range list {
		if text, ok := e.(string); ok {
			out = append(out, text)
		}
	}
	return out
}
