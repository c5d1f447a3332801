package model

import (
	"fmt"

	"github.com/midwatch/midwatch/internal/llm"
)

const (
	// bytesPerToken estimates tokens. Prose has about four bytes to a token, tables of numbers between two and three.
	bytesPerToken = 3
	// maxPrompt is the most of a model's context that a prompt takes, in tokens: more costs more than it tells.
	maxPrompt = 100_000
	// maxPerEvidence bounds one rendered result, in bytes.
	maxPerEvidence = 14 << 10
	// overhead is what a part of a message costs besides its text, in bytes.
	overhead = 60
)

// limit is how long a prompt may be, in bytes. A tenth of the context is left for what the estimate gets wrong.
func (s *session) limit() int {
	return bytesPerToken * min(maxPrompt, (s.Context-s.MaxTokens)*9/10)
}

// perEvidence is how long one result may be, in bytes: in a small context several must still find room.
func (s *session) perEvidence() int { return min(maxPerEvidence, max(400, s.limit()/10)) }

// fit makes a conversation short enough. First the oldest results shrink to a line each, then the oldest turns. When it
// is too long a third of the room for results is cleared at once: what stays then stays for several turns, and a provider
// finds it in its cache. As there is no state, how far it was cut before is found by telling the story again from its start.
func (s *session) fit(c *conversation) error {
	limit := s.limit()
	size := len(system) + len(c.opening) + len(c.now) + 2*overhead
	for _, t := range s.offered() {
		size += len(t.Name) + len(t.Description) + len(t.Schema) + overhead
	}
	for _, m := range c.tail {
		size += sizeOf(m)
	}
	var results []result
	told := 0 // bytes of results
	for _, p := range c.past {
		size += sizeOf(p.said)
		for _, r := range p.results {
			size += len(r.full) + overhead
			told += len(r.full) + overhead
		}
		results = append(results, p.results...)
		if size <= limit {
			continue
		}
		for low := limit - (limit-(size-told))/3; size > low && c.brief < len(results); c.brief++ {
			saved := len(results[c.brief].full) - len(results[c.brief].brief)
			size, told = size-saved, told-saved
		}
	}
	for size > limit && c.folded < len(c.past) {
		size += c.fold()
	}
	if size > limit {
		return fmt.Errorf("the model's context of %d tokens with answers of %d is too small for this investigation: about %d are needed",
			s.Context, s.MaxTokens, (size/bytesPerToken)*10/9+s.MaxTokens)
	}
	return nil
}

// fold tells one more turn in a line; it returns by how much the conversation grows.
func (c *conversation) fold() int {
	before := 0
	for _, p := range c.past[:c.folded] {
		before += len(p.results)
	}
	p := c.past[c.folded]
	grow := len(p.line()) + 1 - sizeOf(p.said)
	for n, r := range p.results {
		text := r.full
		if before+n < c.brief {
			text = r.brief
		}
		grow -= len(text) + overhead
	}
	if c.folded++; c.folded == 1 {
		grow += overhead
	}
	return grow
}

func sizeOf(m llm.Message) int {
	size := 0
	for _, p := range m.Parts {
		size += len(p.Text) + overhead
		if p.ToolUse != nil {
			size += len(p.ToolUse.Name) + len(p.ToolUse.Arguments)
		}
		if p.ToolResult != nil {
			size += len(p.ToolResult.Text)
		}
	}
	return size
}
