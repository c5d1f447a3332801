package model

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/sandbox/analyst/span"
)

const (
	maxWhy       = 300  // bytes
	maxArguments = 6000 // bytes; the platform refuses more than 6 KiB
)

// readCall turns a wish into a tool call without its id, or says what is wrong with it.
func (s *session) readCall(use llm.ToolUse) (investigation.ToolCall, string) {
	at := slices.IndexFunc(s.tools, func(t tool) bool { return t.Name == use.Name })
	if at < 0 {
		return investigation.ToolCall{}, fmt.Sprintf("There is no tool %q. There are: %s.", plain(use.Name, 60), s.names())
	}
	t := s.tools[at]
	arguments, ok := object(use.Arguments)
	if !ok {
		return investigation.ToolCall{}, "The arguments are not a JSON object: " + plain(string(use.Arguments), 200)
	}
	why, _ := arguments[whyArgument].(string)
	if why = plain(why, maxWhy); why == "" {
		return investigation.ToolCall{}, "The argument why is missing: say in one sentence what the answer will decide."
	}
	if _, own := t.shape.properties[whyArgument]; !own {
		delete(arguments, whyArgument)
	}
	s.fill(arguments, t.shape)
	if err := t.schema.Validate(arguments); err != nil {
		return investigation.ToolCall{}, "The arguments do not fit the tool's schema: " + t.shape.misfit(arguments) + "."
	}
	b, err := json.Marshal(arguments)
	if err != nil || len(b) > maxArguments {
		return investigation.ToolCall{}, fmt.Sprintf("The arguments are longer than %d bytes.", maxArguments)
	}
	return investigation.ToolCall{Tool: t.Name, Arguments: b, Why: why}, ""
}

// fill sets the times that a call leaves to us.
func (s *session) fill(arguments map[string]any, of shape) {
	for name, at := range times(s.span) {
		if given, set := arguments[name]; slices.Contains(of.required, name) && (!set || given == nil || given == "") {
			arguments[name] = at
		}
	}
}

func (s *session) names() string {
	var names []string
	for _, t := range s.offered() {
		names = append(names, t.Name)
	}
	return strings.Join(names, ", ")
}

// misfit says how arguments differ from a schema, always the same way: the validator's own words depend on the order of a map.
func (s shape) misfit(arguments map[string]any) string {
	var wrong []string
	for _, name := range slices.Sorted(slices.Values(s.required)) {
		if _, ok := arguments[name]; !ok {
			wrong = append(wrong, name+" is missing")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(arguments)) {
		p, ok := s.properties[name]
		v, kind := arguments[name], typeOf(arguments[name])
		text, _ := v.(string)
		switch {
		case !ok:
			wrong = append(wrong, plain(name, 60)+" is not one of its arguments")
		case p.kind != "" && kind != p.kind && (p.kind != "integer" || kind != "number"):
			wrong = append(wrong, fmt.Sprintf("%s is %s, not %s", name, kind, p.kind))
		case len(p.enum) > 0 && !slices.Contains(p.enum, text):
			wrong = append(wrong, fmt.Sprintf("%s is none of %q", name, p.enum))
		}
	}
	if len(wrong) == 0 {
		return "a value is out of its range or form"
	}
	return strings.Join(wrong, "; ")
}

func typeOf(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	}
	return "null"
}

// object reads a JSON object.
func object(raw json.RawMessage) (map[string]any, bool) {
	var m map[string]any
	if json.Unmarshal(raw, &m) != nil || m == nil {
		return nil, false
	}
	return m, true
}

// times are the arguments a call may leave out: then it compares what the built-in analyst does.
func times(s span.Span) map[string]string {
	return map[string]string{
		"from": stamp(s.Fault.From), "to": stamp(s.Fault.To), "baseline_from": stamp(s.Healthy.From), "baseline_to": stamp(s.Healthy.To),
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
