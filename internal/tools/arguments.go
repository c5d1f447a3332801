package tools

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
)

// maxWindow bounds a window: a longer one is a question for rollups, not for these tools.
const maxWindow = 24 * time.Hour

// maxControl bounds the healthy time a check is tried on: the nearest, because further back another incident may have been.
const maxControl = time.Minute

// window is the part of the arguments that says when.
type window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

func (w window) validate() error {
	switch {
	case w.From.IsZero() || w.To.IsZero():
		return fmt.Errorf("%w: from and to are required, RFC 3339", ErrArguments)
	case !w.From.Before(w.To):
		return fmt.Errorf("%w: from %s is not before to %s", ErrArguments, w.From.Format(time.RFC3339), w.To.Format(time.RFC3339))
	case w.To.Sub(w.From) > maxWindow:
		return fmt.Errorf("%w: the window is longer than %s", ErrArguments, maxWindow)
	}
	return nil
}

func (w window) seconds() float64 { return w.To.Sub(w.From).Seconds() }

func (w window) public() investigation.Window { return investigation.Window(w) }

// windows is the part of the arguments of a tool that compares.
type windows struct {
	window
	BaselineFrom time.Time `json:"baseline_from"`
	BaselineTo   time.Time `json:"baseline_to"`
}

func (w windows) baseline() window { return window{From: w.BaselineFrom, To: w.BaselineTo} }

func (w windows) validate() error {
	if err := w.window.validate(); err != nil {
		return err
	}
	if err := w.baseline().validate(); err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	return nil
}

// tailFrom is where the last third of the fault window begins.
func (w windows) tailFrom() time.Time { return w.To.Add(-w.To.Sub(w.From) / 3) }

// decode reads a tool's arguments strictly and validates them.
func decode[A interface{ validate() error }](raw json.RawMessage) (A, error) {
	var a A
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&a); err != nil {
		return a, fmt.Errorf("%w: %w", ErrArguments, err)
	}
	return a, a.validate()
}

// schema is the JSON schema of arguments with a window, a baseline if compares, and more properties.
func schema(compares bool, more map[string]any) json.RawMessage {
	moment := func(what string) map[string]any {
		return map[string]any{"type": "string", "format": "date-time", "description": what}
	}
	properties := map[string]any{"from": moment("start of the window, inclusive"), "to": moment("end of the window, exclusive")}
	required := []string{"from", "to"}
	if compares {
		properties["baseline_from"] = moment("start of the healthy window to compare with")
		properties["baseline_to"] = moment("end of the healthy window")
		required = append(required, "baseline_from", "baseline_to")
	}
	for name, property := range more {
		properties[name] = property
	}
	b, err := json.Marshal(map[string]any{
		"type": "object", "properties": properties, "required": required, "additionalProperties": false,
	})
	if err != nil {
		panic(fmt.Sprintf("a schema holds only strings, booleans and maps: %v", err))
	}
	return b
}

// text is the schema of an optional string.
func text(what string) map[string]any { return map[string]any{"type": "string", "description": what} }

// controlWindow asks the same question about the end of the healthy window, at most as long as the question's own window.
func controlWindow(raw json.RawMessage, healthy investigation.Window) (json.RawMessage, bool) {
	var w window
	if json.Unmarshal(raw, &w) != nil || w.validate() != nil || !healthy.From.Before(healthy.To) {
		return nil, false
	}
	from := healthy.To.Add(-min(w.To.Sub(w.From), healthy.To.Sub(healthy.From), maxControl))
	return replace(raw, map[string]time.Time{"from": from, "to": healthy.To})
}

// controlWindows compares the second half of the healthy window with the first.
func controlWindows(raw json.RawMessage, healthy investigation.Window) (json.RawMessage, bool) {
	var w windows
	if json.Unmarshal(raw, &w) != nil || w.validate() != nil || !healthy.From.Before(healthy.To) {
		return nil, false
	}
	length := min(healthy.To.Sub(healthy.From), maxControl)
	middle := healthy.To.Add(-length / 2)
	return replace(raw, map[string]time.Time{
		"baseline_from": healthy.To.Add(-length), "baseline_to": middle, "from": middle, "to": healthy.To,
	})
}

// replace sets times in a JSON object and leaves everything else as it was.
func replace(raw json.RawMessage, times map[string]time.Time) (json.RawMessage, bool) {
	var object map[string]any
	if json.Unmarshal(raw, &object) != nil {
		return nil, false
	}
	for name, t := range times {
		object[name] = t.UTC()
	}
	b, err := json.Marshal(object)
	return b, err == nil
}
