package recorded

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools"
)

// NotRecorded begins the error of a call that no recorded answer fits.
const NotRecorded = "not recorded"

// Answer is one recorded call and what it gave.
type Answer struct {
	Tool      string               `json:"tool"`
	Arguments json.RawMessage      `json:"arguments"`
	Window    investigation.Window `json:"window"`
	Query     string               `json:"query,omitempty"`
	Summary   string               `json:"summary"`
	Result    json.RawMessage      `json:"result,omitempty"`
	Error     string               `json:"error,omitempty"` // the tool had no answer; Result is empty
}

// Config says how recorded answers are given.
type Config struct {
	Answers []Answer
	// Near is how much of the time asked for and the time recorded must be common to both, as a share of what they cover
	// together, for a call that is otherwise the same to get that answer; the nearest one counts. 0: times must be equal.
	Near float64
}

// Registry has the tools of another, which are not run: recorded answers are given. A call without one is answered with
// tools.ErrNoAnswer that begins with NotRecorded.
func Registry(of *tools.Registry, cfg Config) *tools.Registry {
	exact, byTool := map[string]Answer{}, map[string][]call{}
	for _, a := range cfg.Answers {
		c := read(a.Arguments)
		exact[a.Tool+c.key()] = a
		byTool[a.Tool] = append(byTool[a.Tool], call{arguments: c, answer: a})
	}
	return each(of, func(t tools.Tool) tools.Tool {
		t.Run = func(_ context.Context, _ tools.Scope, raw json.RawMessage) (tools.Result, error) {
			asked := read(raw)
			if a, ok := exact[t.Name+asked.key()]; ok {
				return a.give()
			}
			if a, ok := nearest(asked, byTool[t.Name], cfg.Near); ok {
				a.Summary = fmt.Sprintf("(recorded for %s to %s) %s", a.Window.From.Format(clock), a.Window.To.Format(clock), a.Summary)
				return a.give()
			}
			return tools.Result{}, fmt.Errorf("%s: %w to these arguments", NotRecorded, tools.ErrNoAnswer)
		}
		return t
	})
}

const clock = "15:04:05.000"

func (a Answer) give() (tools.Result, error) {
	if a.Error != "" {
		return tools.Result{}, fmt.Errorf("%w: %s", tools.ErrNoAnswer, strings.TrimPrefix(a.Error, tools.ErrNoAnswer.Error()+": "))
	}
	return tools.Result{Summary: a.Summary, Query: a.Query, Window: a.Window, Data: a.Result}, nil
}

// each is a registry of changed tools.
func each(of *tools.Registry, change func(tools.Tool) tools.Tool) *tools.Registry {
	var changed []tools.Tool
	for _, name := range of.Names() {
		if t, err := of.Get(name); err == nil {
			changed = append(changed, change(t))
		}
	}
	return tools.New(changed...)
}
