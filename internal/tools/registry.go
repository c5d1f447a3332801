// Package tools is the one registry of read-only tools that investigations, the api, MCP and the CLI share.
// Each tool answers one kind of question about one environment with a structured result.
package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/midwatch/midwatch/internal/investigation"
)

// ErrUnknownTool means the registry has no tool of that name; ErrArguments that arguments do not fit its schema; ErrNoAnswer
// that the question has no answer, however often it is asked.
var (
	ErrNoAnswer    = errors.New("there is no answer")
	ErrUnknownTool = errors.New("unknown tool")
	ErrArguments   = errors.New("arguments do not fit the tool's schema")
)

// Scope is on whose behalf a tool runs; every query is limited to it.
type Scope struct {
	Environment string
	Namespaces  []string // empty: all
}

// Result is what a tool found.
type Result struct {
	Summary string               `json:"summary"` // one line for people
	Query   string               `json:"query"`   // the SQL with its parameters, for people
	Window  investigation.Window `json:"window"`
	Data    any                  `json:"data"` // marshals to the structured result; its shape is the tool's contract
}

// Tool is one entry of the registry.
type Tool struct {
	Name        string
	Description string
	Schema      json.RawMessage // JSON schema of the arguments
	DataTypes   []investigation.DataType
	Cost        int // 1 cheap … 3 expensive
	Run         func(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error)
	// Control returns arguments that ask the same question about the healthy window, for checks; ok is false when the
	// question has no healthy counterpart.
	Control func(arguments json.RawMessage, healthy investigation.Window) (control json.RawMessage, ok bool)
}

// Registry holds tools by name. It does not change after New.
type Registry struct {
	names []string
	tools map[string]Tool
}

// New returns a registry of tools, in the order given. It panics on a name that is empty or there twice: a mistake of ours.
func New(ts ...Tool) *Registry {
	r := &Registry{tools: make(map[string]Tool, len(ts))}
	for _, t := range ts {
		if _, twice := r.tools[t.Name]; twice || t.Name == "" {
			panic(fmt.Sprintf("tool %q registered twice or without a name", t.Name))
		}
		r.names = append(r.names, t.Name)
		r.tools[t.Name] = t
	}
	return r
}

// Only returns a registry of the tools that keep says yes to.
func (r *Registry) Only(keep func(Tool) bool) *Registry {
	var kept []Tool
	for _, name := range r.names {
		if t := r.tools[name]; keep(t) {
			kept = append(kept, t)
		}
	}
	return New(kept...)
}

// Names lists the tools in registry order.
func (r *Registry) Names() []string { return slices.Clone(r.names) }

// Get returns a tool, or ErrUnknownTool.
func (r *Registry) Get(name string) (Tool, error) {
	t, ok := r.tools[name]
	if !ok {
		return Tool{}, fmt.Errorf("%w: %q", ErrUnknownTool, name)
	}
	return t, nil
}
