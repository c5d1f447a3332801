package standalone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"
)

// ErrPart means a part never became ready; the text carries what it said last.
var ErrPart = errors.New("part did not start")

// Part is one supervised process.
type Part struct {
	Name  string
	Argv  []string // Argv[0] is a path
	Env   []string // added to the supervisor's own
	After []string // names of parts that must be ready before this one starts, and stop after it
	// Ready bounds the time from start to ready; 0: 30 s.
	Ready time.Duration
}

// Event tells what happened to a part.
type Event struct {
	Part string
	Kind EventKind
	Note string        // what the part said of itself when ready, or why it ended
	Took time.Duration // since its start
}

// EventKind is what happened.
type EventKind string

// The kinds of event.
const (
	Started EventKind = "started"
	Ready   EventKind = "ready"
	Died    EventKind = "died" // and will be started again
	Stopped EventKind = "stopped"
)

// Config is what a supervisor needs.
type Config struct {
	Parts  []Part
	LogDir string // <part>.log, appended to
	// Nice is the parts' scheduling priority, -20 (first) to 19; it needs root below 0, and without it stays what it is.
	Nice    int
	OnEvent func(Event) // called from several goroutines; may be nil
	Log     *slog.Logger
}

// Supervisor runs parts.
type Supervisor struct {
	cfg   Config
	parts []*process
}

const (
	defaultReady = 30 * time.Second
	// firstTries is how often a part that was never ready may die before its failure is ours.
	firstTries = 3
	minBackoff = 200 * time.Millisecond
	maxBackoff = 5 * time.Second
	// steady is how long a part must have run for its next death to count as the first again.
	steady = 30 * time.Second
)

// New checks names and dependencies; it starts nothing.
func New(cfg Config) (*Supervisor, error) {
	if cfg.OnEvent == nil {
		cfg.OnEvent = func(Event) {}
	}
	s := &Supervisor{cfg: cfg}
	byName := map[string]*process{}
	for _, p := range cfg.Parts {
		if p.Ready == 0 {
			p.Ready = defaultReady
		}
		if byName[p.Name] != nil || p.Name == "" || len(p.Argv) == 0 {
			return nil, fmt.Errorf("part %q is there twice, or has no name or command", p.Name)
		}
		proc := newProcess(p, cfg)
		for _, name := range p.After {
			dep := byName[name]
			if dep == nil {
				return nil, fmt.Errorf("part %s comes after %q, which is not before it in the list", p.Name, name)
			}
			proc.after = append(proc.after, dep)
			dep.before = append(dep.before, proc)
		}
		byName[p.Name] = proc
		s.parts = append(s.parts, proc)
	}
	return s, nil
}

// WaitReady returns true when every part has been ready once, false when ctx ends first.
func (s *Supervisor) WaitReady(ctx context.Context) bool {
	for _, p := range s.parts {
		select {
		case <-p.readyOnce:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// Run starts the parts and keeps them running until ctx ends, then stops them, dependants first. A clean stop returns nil;
// a part that could not be started returns ErrPart after the others were stopped.
func (s *Supervisor) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, p := range s.parts {
		g.Go(func() error { return p.run(ctx) })
	}
	return g.Wait()
}

// PIDs returns the process id of each running part.
func (s *Supervisor) PIDs() map[string]int {
	out := map[string]int{}
	for _, p := range s.parts {
		if pid := int(p.pid.Load()); pid != 0 {
			out[p.part.Name] = pid
		}
	}
	return out
}
