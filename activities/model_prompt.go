package activities

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// Bounds of a prompt that leaves the sandbox.
const (
	maxPrompt   = 8 << 20 // bytes as JSON
	maxMessages = 2000
)

var (
	// useID is how the analyst numbers tool uses: t3c1, in an answer told again t3a1c1, of a conclusion t3end.
	useID   = regexp.MustCompile(`^t[0-9]{1,9}(a[0-9]{1,3})?(c[0-9]{1,3}|end)$`)
	plainID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
	notName = regexp.MustCompile(`[^a-zA-Z0-9_-]`)
)

// ending are the tools by which a model ends its work. They are the analyst's own.
var ending = []string{"conclude", "reply"}

// validAsk is where a prompt stops being opaque bytes. Its texts are redacted before they leave; its names and ids are not, so
// they must be ones that are known.
func validAsk(ask llm.Request, req contract.ModelRequest, all []string) error {
	b, err := json.Marshal(ask)
	switch {
	case err != nil:
		return fmt.Errorf("read the prompt: %w", err)
	case len(b) > maxPrompt || len(ask.Messages) > maxMessages:
		return fmt.Errorf("a prompt of %d bytes in %d messages, at most %d and %d", len(b), len(ask.Messages), maxPrompt, maxMessages)
	case ask.Model != req.Model || ask.MaxTokens > req.MaxTokens:
		return errors.New("the prompt is for another model, or wants a longer answer, than was said")
	}
	for n, t := range ask.Tools {
		offers := slices.ContainsFunc(req.Tools, func(o llm.Tool) bool { return o.Name == t.Name }) || slices.Contains(ending, t.Name)
		if !offers || slices.ContainsFunc(ask.Tools[:n], func(o llm.Tool) bool { return o.Name == t.Name }) {
			return fmt.Errorf("the prompt offers %q, which is not offered, or twice", short(t.Name))
		}
	}
	names := append(slices.Clone(all), ending...)
	for _, e := range req.Exchanges {
		for _, p := range e.Response.Message.Parts {
			if p.ToolUse != nil {
				name := notName.ReplaceAllString(p.ToolUse.Name, "_")
				names = append(names, name[:min(len(name), 64)])
			}
		}
	}
	for _, m := range ask.Messages {
		if err := validMessage(m, append(names, "unnamed")); err != nil {
			return err
		}
	}
	return nil
}

func validMessage(m llm.Message, names []string) error {
	if m.Role != llm.User && m.Role != llm.Assistant {
		return errors.New("the prompt has a message of neither side")
	}
	for _, p := range m.Parts {
		if use := p.ToolUse; use != nil && (!useID.MatchString(use.ID) || !plainID.MatchString(use.Name) || !slices.Contains(names, use.Name)) {
			return fmt.Errorf("the prompt tells of a call %q of %q, which cannot be", short(use.ID), short(use.Name))
		}
		if p.ToolResult != nil && !useID.MatchString(p.ToolResult.ID) {
			return fmt.Errorf("the prompt tells of a result %q, which cannot be", short(p.ToolResult.ID))
		}
	}
	return nil
}
