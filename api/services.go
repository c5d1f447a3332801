package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	defaultWindow = 15 * time.Minute
	maxWindow     = 24 * time.Hour // of the tools, too
	points        = 60             // of a series, about
	sparklines    = 100            // services that get one
	parallel      = 4              // queries at once for one request
	toolTimeout   = 30 * time.Second
)

// WindowInput is the part of a query that says when; exported, or huma would not see its fields.
type WindowInput struct {
	From time.Time `query:"from" doc:"inclusive, RFC 3339; default 15 minutes before to"`
	To   time.Time `query:"to" doc:"exclusive, RFC 3339; default now"`
}

func (in WindowInput) window(now time.Time) (investigation.Window, error) {
	w := investigation.Window{From: in.From.UTC(), To: in.To.UTC()}
	if w.To.IsZero() {
		w.To = now.UTC().Truncate(time.Second)
	}
	if w.From.IsZero() {
		w.From = w.To.Add(-defaultWindow)
	}
	if !w.From.Before(w.To) || w.To.Sub(w.From) > maxWindow {
		return w, refuse(errInvalid, "from must be before to, and at most 24 hours before")
	}
	return w, nil
}

// step is a round number of seconds that gives about as many points as a chart has room for.
func step(w investigation.Window) int {
	for _, s := range []int{5, 10, 15, 30, 60, 120, 300, 600} {
		if w.To.Sub(w.From) <= time.Duration(s*points)*time.Second {
			return s
		}
	}
	return 1800
}

// arguments of the tools used here.
type arguments struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Service string    `json:"service,omitempty"`
	StepS   int       `json:"step_s,omitempty"`
}

// run runs a tool for a caller and returns its typed result.
func run[T any](ctx context.Context, s *Server, who auth.Caller, tool string, a any) (data T, err error) {
	raw, err := json.Marshal(a)
	if err != nil {
		return data, err
	}
	r, err := s.call(ctx, who, tool, raw)
	if err != nil {
		return data, err
	}
	data, ok := r.Data.(T)
	if !ok {
		return data, fmt.Errorf("tool %s returned %T, not %T", tool, r.Data, data)
	}
	return data, nil
}

// call runs a tool within what the caller may see.
func (s *Server) call(ctx context.Context, who auth.Caller, tool string, raw json.RawMessage) (tools.Result, error) {
	t, err := s.cfg.Tools.Get(tool)
	if err != nil {
		return tools.Result{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, toolTimeout)
	defer cancel()
	r, err := t.Run(ctx, tools.Scope{Environment: s.cfg.Environment, Namespaces: who.Namespaces}, raw)
	if err != nil {
		return r, fmt.Errorf("run %s: %w", tool, err)
	}
	return r, nil
}

func (s *Server) listServices(ctx context.Context, who auth.Caller, in *struct{ WindowInput }) (wire.ServiceList, error) {
	w, err := in.window(time.Now())
	if err != nil {
		return wire.ServiceList{}, err
	}
	found, err := run[result.Services](ctx, s, who, "list_services", arguments{From: w.From, To: w.To})
	if err != nil {
		return wire.ServiceList{}, err
	}
	list := wire.ServiceList{Window: w, StepS: step(w), Services: make([]wire.ServiceRow, len(found.Services))}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i, service := range found.Services {
		list.Services[i] = wire.ServiceRow{Service: service, Series: []result.Point{}}
		if i >= sparklines || service.Requests == 0 {
			continue
		}
		g.Go(func() error {
			h, err := run[result.Health](ctx, s, who, "service_health", arguments{w.From, w.To, service.Service, list.StepS})
			list.Services[i].Series = h.Points
			return err
		})
	}
	return list, g.Wait()
}

type serviceInput struct {
	WindowInput
	Name string `path:"name" maxLength:"200"`
}

func (s *Server) getService(ctx context.Context, who auth.Caller, in *serviceInput) (wire.ServiceDetail, error) {
	w, err := in.window(time.Now())
	if err != nil {
		return wire.ServiceDetail{}, err
	}
	a := arguments{From: w.From, To: w.To, Service: in.Name, StepS: step(w)}
	var health result.Health
	var edges result.Edges
	var changes result.Changes
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { health, err = run[result.Health](ctx, s, who, "service_health", a); return err })
	g.Go(func() (err error) {
		edges, err = run[result.Edges](ctx, s, who, "service_edges", arguments{From: w.From, To: w.To})
		return err
	})
	g.Go(func() (err error) {
		changes, err = run[result.Changes](ctx, s, who, "recent_changes", arguments{From: w.From, To: w.To, Service: in.Name})
		return err
	})
	if err := g.Wait(); err != nil {
		return wire.ServiceDetail{}, err
	}
	touching := slices.DeleteFunc(edges.Edges, func(e result.Edge) bool { return e.From != in.Name && e.To != in.Name })
	return wire.ServiceDetail{
		Window: w, Service: in.Name, StepS: a.StepS, Points: health.Points, Operations: health.Operations,
		Edges: touching, Changes: changes,
	}, nil
}

func (s *Server) listEdges(ctx context.Context, who auth.Caller, in *struct{ WindowInput }) (wire.EdgeList, error) {
	w, err := in.window(time.Now())
	if err != nil {
		return wire.EdgeList{}, err
	}
	edges, err := run[result.Edges](ctx, s, who, "service_edges", arguments{From: w.From, To: w.To})
	return wire.EdgeList{Window: w, Edges: edges}, err
}

type changesInput struct {
	WindowInput
	Service string `query:"service" maxLength:"200" doc:"only this service"`
}

func (s *Server) listChanges(ctx context.Context, who auth.Caller, in *changesInput) (wire.ChangeList, error) {
	w, err := in.window(time.Now())
	if err != nil {
		return wire.ChangeList{}, err
	}
	changes, err := run[result.Changes](ctx, s, who, "recent_changes", arguments{From: w.From, To: w.To, Service: in.Service})
	return wire.ChangeList{Window: w, Changes: changes}, err
}
