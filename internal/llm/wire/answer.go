package wire

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/midwatch/midwatch/internal/llm"
)

// Answer collects a streamed answer. Its blocks are known by the vendor's index and keep the order they began in.
type Answer struct {
	blocks []*block
	at     map[int64]*block
}

type block struct {
	tool     bool
	id, name string
	text     strings.Builder // or arguments
}

// Text adds to a block of text.
func (a *Answer) Text(index int64, piece string) {
	b := a.at[index]
	if b == nil || b.tool {
		b = a.begin(index, &block{})
	}
	b.text.WriteString(piece)
}

// Tool begins a tool call. The same id again at the same index is the same call.
func (a *Answer) Tool(index int64, id, name string) {
	if b := a.at[index]; b != nil && b.tool && (id == "" || id == b.id) {
		b.name = oneOf(b.name, name)
		return
	}
	a.begin(index, &block{tool: true, id: id, name: name})
}

// Arguments adds to what a tool is called with. Pieces for a call that never began are dropped with it.
func (a *Answer) Arguments(index int64, piece string) {
	if b := a.at[index]; b != nil && b.tool {
		b.text.WriteString(piece)
	}
}

func (a *Answer) begin(index int64, b *block) *block {
	if a.at == nil {
		a.at = map[int64]*block{}
	}
	a.at[index] = b
	a.blocks = append(a.blocks, b)
	return b
}

// Tools tells whether the model asked for any.
func (a *Answer) Tools() bool {
	for _, b := range a.blocks {
		if b.tool {
			return true
		}
	}
	return false
}

// Message is what was collected, without empty texts.
func (a *Answer) Message() llm.Message {
	m := llm.Message{Role: llm.Assistant, Parts: []llm.Part{}}
	for i, b := range a.blocks {
		switch {
		case b.tool:
			id := oneOf(b.id, fmt.Sprintf("call_%d", i)) // some servers give none
			m.Parts = append(m.Parts, llm.Part{ToolUse: &llm.ToolUse{ID: id, Name: b.name, Arguments: Arguments(b.text.String())}})
		case b.text.Len() > 0:
			m.Parts = append(m.Parts, llm.Part{Text: strings.ToValidUTF8(b.text.String(), "�")})
		}
	}
	return m
}

// Partial is what had come of an answer that broke off. Why it stopped is not known.
func Partial(r llm.Response) llm.Response {
	if !r.Begun() {
		return llm.Response{}
	}
	r.Stop = ""
	return r
}

// Usage is figures as a provider reports them. One below zero would give back budget that was spent.
func Usage(input, output, cacheRead, cacheWrite int64) llm.Usage {
	return llm.Usage{Input: max(0, input), Output: max(0, output), CacheRead: max(0, cacheRead), CacheWrite: max(0, cacheWrite)}
}

// Arguments is what a model wrote as arguments: nothing is an empty object, what is no JSON becomes a JSON string.
func Arguments(text string) json.RawMessage {
	if strings.TrimSpace(text) == "" {
		return json.RawMessage("{}")
	}
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return quote(text)
}

func quote(text string) json.RawMessage {
	quoted, err := json.Marshal(text)
	if err != nil { // a string always has a form
		return json.RawMessage(`""`)
	}
	return quoted
}
