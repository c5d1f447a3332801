package llm

import (
	"context"
	"encoding/json"
)

// Provider is one account at one vendor. Complete may be called concurrently and never retries by itself.
type Provider interface {
	// Complete sends one request and returns the whole answer. Its errors are *Error; with one, the response is what had come by
	// then, without a Stop, and zero if nothing had. Cancelling ctx closes the connection.
	Complete(ctx context.Context, r Request) (Response, error)
}

// Request is one model call. It is what the ledger keeps as JSON; a provider turns it into the vendor's words and adds none of its own.
type Request struct {
	Model     string    `json:"model"` // as the vendor names it; for Bedrock a model id or an inference profile
	System    string    `json:"system"`
	Tools     []Tool    `json:"tools,omitempty"` // empty on the last turn: the model must answer in words
	Messages  []Message `json:"messages"`        // user and assistant in turn, user first
	MaxTokens int       `json:"max_tokens"`      // of the answer
}

// Tool is a tool the model may ask for.
type Tool struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema"` // JSON schema of the arguments, an object
}

// Role says who speaks.
type Role string

// The roles.
const (
	User      Role = "user"
	Assistant Role = "assistant"
)

// Message is what one side says. Tool results are parts of a user's message.
type Message struct {
	Role  Role   `json:"role"`
	Parts []Part `json:"parts"`
}

// Part is a piece of a message. Exactly one field is set.
type Part struct {
	Text       string      `json:"text,omitempty"`
	ToolUse    *ToolUse    `json:"tool_use,omitempty"`
	ToolResult *ToolResult `json:"tool_result,omitempty"`
}

// ToolUse is a model's wish. Arguments are whatever the model wrote: the receiver checks them against the schema.
type ToolUse struct {
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"` // valid JSON; what was none is kept as a JSON string
}

// ToolResult answers a ToolUse.
type ToolResult struct {
	ID    string `json:"id"` // ToolUse.ID
	Text  string `json:"text"`
	Error bool   `json:"error,omitempty"`
}

// Stop is why a model stopped.
type Stop string

// The reasons.
const (
	StopEnd     Stop = "end"     // it had said all
	StopTools   Stop = "tools"   // it waits for tool results
	StopLength  Stop = "length"  // MaxTokens was reached
	StopRefused Stop = "refused" // the model or the vendor's filter would not
)

// Response is a model's whole answer.
type Response struct {
	Model   string  `json:"model"` // that answered, as the vendor names it
	Message Message `json:"message"`
	Stop    Stop    `json:"stop"`
	Usage   Usage   `json:"usage"`
	Request string  `json:"request,omitempty"` // the vendor's id of the call, for their support
}

// Begun tells whether anything of an answer came, which a vendor may charge for.
func (r Response) Begun() bool { return len(r.Message.Parts) > 0 || r.Usage != Usage{} }

// Usage is what a call took, in tokens. Input counts neither what was read from nor what was written to the cache.
type Usage struct {
	Input      int64 `json:"input"`
	Output     int64 `json:"output"`
	CacheRead  int64 `json:"cache_read,omitempty"`
	CacheWrite int64 `json:"cache_write,omitempty"`
}

// Add returns the sum of two usages.
func (u Usage) Add(v Usage) Usage {
	return Usage{u.Input + v.Input, u.Output + v.Output, u.CacheRead + v.CacheRead, u.CacheWrite + v.CacheWrite}
}
