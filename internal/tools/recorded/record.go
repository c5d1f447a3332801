package recorded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/midwatch/midwatch/internal/tools"
)

// Recorder keeps what the tools of its registry answer. Safe for concurrent use.
type Recorder struct {
	mu      sync.Mutex
	answers map[string]Answer // by tool and arguments
}

// Registry has the tools of another, and keeps what they answer. A failure that may pass is not kept.
func (r *Recorder) Registry(of *tools.Registry) *tools.Registry {
	return each(of, func(t tools.Tool) tools.Tool {
		run := t.Run
		t.Run = func(ctx context.Context, scope tools.Scope, raw json.RawMessage) (tools.Result, error) {
			result, err := run(ctx, scope, raw)
			a := Answer{Tool: t.Name, Arguments: raw, Window: result.Window, Query: result.Query, Summary: result.Summary}
			switch {
			case errors.Is(err, tools.ErrNoAnswer):
				a.Error = err.Error()
			case err != nil:
				return result, err
			default:
				if a.Result, err = json.Marshal(result.Data); err != nil {
					return result, fmt.Errorf("record the answer of %s: %w", t.Name, err)
				}
			}
			r.keep(a)
			return result, err
		}
		return t
	})
}

func (r *Recorder) keep(a Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answers == nil {
		r.answers = map[string]Answer{}
	}
	r.answers[a.Tool+read(a.Arguments).key()] = a
}

// Answers are what was kept, in an order that does not depend on when they were asked for.
func (r *Recorder) Answers() []Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	var keys []string
	for k := range r.answers {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, strings.Compare)
	list := make([]Answer, 0, len(keys))
	for _, k := range keys {
		list = append(list, r.answers[k])
	}
	return list
}
