package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/midwatch/midwatch/activities/detect"
	"github.com/midwatch/midwatch/activities/starter"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/spoken"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
	"github.com/midwatch/midwatch/workflows"
)

type askInput struct {
	Body wire.Ask
}

func (in *askInput) audit() string {
	return fmt.Sprintf("service=%q question=%q", in.Body.Service, in.Body.Question)
}

// ask raises a manual trigger; the intake gives it an investigation of its own.
func (s *Server) ask(ctx context.Context, who auth.Caller, in *askInput) (wire.Asked, error) {
	t := investigation.Trigger{
		ID: "manual-" + uuid.NewString(), Kind: investigation.Manual, Environment: s.cfg.Environment, Rule: "manual",
		Severity: investigation.Warning, Summary: in.Body.Question, At: time.Now().UTC(),
		Attributes: map[string]string{workflows.RequesterAttribute: who.Subject}, Namespaces: who.Namespaces,
	}
	asked := s.understand(ctx, who, in.Body, t.At)
	about := s.workloads(ctx, who, in.Body.Question, t.At)
	for _, w := range about {
		asked.Services = append(asked.Services, w.service)
		asked.Unknown = slices.DeleteFunc(asked.Unknown, func(n string) bool { return strings.HasSuffix(w.kindAndName, "/"+n) })
	}
	asked.Services = inOrder(asked.Services)
	if asked.Window == nil {
		asked.Found = s.began(ctx, who, asked.Services, len(about) == 0, t.At)
	}
	if len(asked.Services) > 0 {
		t.Service = asked.Services[0]
		t.Entity = telemetry.Service(t.Service)
	}
	if len(about) > 0 { // what Kubernetes knows of it says more than its requests
		t.Service, t.Entity = about[0].service, about[0].entity()
	}
	t.Peers = slices.DeleteFunc(slices.Clone(asked.Services), func(n string) bool { return n == t.Service })
	if w := cmp.Or(asked.Window, asked.Found); w != nil {
		t.Onset, t.Attributes[workflows.UntilAttribute] = w.From, w.To.Format(time.RFC3339)
	}
	if err := starter.Raise(ctx, s.cfg.Temporal, s.cfg.Environment, s.cfg.Policy, t); err != nil {
		return wire.Asked{}, err
	}
	asked.Trigger, asked.Incident = t.ID, workflows.IncidentID(s.cfg.Environment, t.ID)
	asked.Investigation = workflows.InvestigationID(asked.Incident)
	return asked, nil
}

// Onsets finds when something began; *detect.Detector is one.
type Onsets interface {
	Began(ctx context.Context, scope detect.Scope, now time.Time) (w investigation.Window, ok bool, err error)
}

var _ Onsets = (*detect.Detector)(nil)

const (
	foundWait = 8 * time.Second // for when something began
	knownFor  = 24 * time.Hour  // a service that was seen within is known
	knownWait = 3 * time.Second // for the list of them
)

// understand reads services and times out of a question. A service that is given counts whether it is known or not.
func (s *Server) understand(ctx context.Context, who auth.Caller, body wire.Ask, now time.Time) wire.Asked {
	var asked wire.Asked
	local := now.In(time.FixedZone("", 60*body.Offset))
	if w, ok := spoken.Window(body.Question, local); ok {
		asked.Window = &w
	}
	asked.Misread = spoken.Misread(body.Question, local)
	known, err := s.known(ctx, who, now)
	if err != nil { // without the store nothing is found, and nothing can be said to be unknown
		s.cfg.Log.WarnContext(ctx, "list services for a question", "error", err)
		if body.Service != "" {
			asked.Services = []string{body.Service}
		}
		return asked
	}
	asked.Services, asked.Unknown = spoken.Services(body.Question, known)
	if given := body.Service; given != "" {
		asked.Services = append([]string{given}, slices.DeleteFunc(asked.Services, func(n string) bool { return n == given })...)
		if !slices.Contains(known, given) && !slices.Contains(asked.Unknown, given) {
			asked.Unknown = append(asked.Unknown, given)
		}
	}
	return asked
}

// inOrder leaves out what is named again.
func inOrder(names []string) (once []string) {
	for _, n := range names {
		if !slices.Contains(once, n) {
			once = append(once, n)
		}
	}
	return once
}

// began looks for when something began, with the services that are asked about, or else, if the question may mean any, with any; nil if
// nothing did, or that cannot be told.
func (s *Server) began(ctx context.Context, who auth.Caller, services []string, any bool, now time.Time) *investigation.Window {
	if s.cfg.Onsets == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, foundWait)
	defer cancel()
	scopes := [][]string{services}
	if any && len(services) > 0 {
		scopes = append(scopes, nil)
	}
	for _, of := range scopes {
		w, found, err := s.cfg.Onsets.Began(ctx, detect.Scope{Namespaces: who.Namespaces, Services: of}, now)
		if err != nil {
			s.cfg.Log.WarnContext(ctx, "look for when something began", "error", err)
			return nil
		}
		if found {
			return &w
		}
	}
	return nil
}

// known are the names of the services that the caller may see and that were seen lately.
func (s *Server) known(ctx context.Context, who auth.Caller, now time.Time) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, knownWait)
	defer cancel()
	found, err := run[result.Services](ctx, s, who, "list_services", arguments{From: now.Add(-knownFor), To: now})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, service := range found.Services {
		names = append(names, service.Service)
	}
	return names, nil
}
