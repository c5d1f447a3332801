package investigation

import (
	"bytes"
	"encoding/json"
)

// Canonical writes JSON with sorted keys, without spaces and with its numbers as they are; what is no JSON stays as it is.
func Canonical(raw json.RawMessage) json.RawMessage {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return raw
	}
	b, err := json.Marshal(v)
	if err != nil {
		return raw
	}
	return b
}

// Same tells whether two calls ask the same: one tool, with the same arguments.
func (c ToolCall) Same(other ToolCall) bool {
	return c.Tool == other.Tool && bytes.Equal(Canonical(c.Arguments), Canonical(other.Arguments))
}
