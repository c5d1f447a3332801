package builtin

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/analysis"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
	"github.com/midwatch/midwatch/sandbox/analyst/span"
)

// facts is the evidence of a transcript, read. A result that is missing is nil, and its id empty.
type facts struct {
	req            investigation.Request
	onset          time.Time
	fault, healthy investigation.Window

	comparison *result.Comparison
	changes    *result.Changes
	edges      *result.Edges
	hosts      *result.HostResources
	resources  *result.ProcessResources
	statements *result.Statements
	failing    *result.SpanGroups
	logs       []logs // one per search, in the order asked
	listed     []objects
	told       []events

	tools []string // that there are

	ids      map[string]string // tool → id of its evidence
	problems []string          // tools that could not answer

	suspects []analysis.Suspect
	leaning  map[string]bool // services that are taken for bad because something bad calls them: see doubt
	// elsewhere are services that became slow by themselves and have nothing to do with what raised the investigation.
	elsewhere []string
}

type logs struct {
	id string
	result.Logs
}

func read(t investigation.Transcript) (*facts, error) {
	f := &facts{req: t.Request, ids: map[string]string{}, tools: t.Tools}
	compared := span.Of(t.Request)
	f.onset, f.fault, f.healthy = compared.Onset, compared.Fault, compared.Healthy
	for _, e := range t.Evidence {
		if e.Error != "" {
			f.problems = append(f.problems, fmt.Sprintf("%s: %s", e.Tool, e.Error))
			continue
		}
		if err := f.take(e); err != nil {
			return nil, fmt.Errorf("read evidence %s of %s: %w", e.ID, e.Tool, err)
		}
	}
	f.concern()
	f.doubt()
	f.suspects = f.findSuspects()
	return f, nil
}

func (f *facts) take(e investigation.Evidence) error {
	var into any
	switch e.Tool {
	case "compare_windows":
		into = &f.comparison
	case "recent_changes":
		into = &f.changes
	case "service_edges":
		into = &f.edges
	case "host_resources":
		into = &f.hosts
	case "process_resources":
		into = &f.resources
	case "statements":
		into = &f.statements
	case "failing_spans":
		into = &f.failing
	case "kubernetes_list", "kubernetes_events":
		return f.takeCluster(e)
	case "search_logs":
		l := logs{id: e.ID}
		if err := json.Unmarshal(e.Result, &l.Logs); err != nil {
			return err
		}
		f.logs = append(f.logs, l)
		return nil
	default:
		return nil
	}
	f.ids[e.Tool] = e.ID
	return json.Unmarshal(e.Result, into)
}

// findSuspects ranks where badness begins on the graph of calls.
func (f *facts) findSuspects() []analysis.Suspect {
	if f.comparison == nil {
		return nil
	}
	var nodes []analysis.Node
	for _, s := range f.comparison.Services {
		nodes = append(nodes, analysis.Node{Name: s.Service, Bad: s.Bad()})
	}
	return analysis.Suspects(nodes, f.calls())
}

func (f *facts) calls() []analysis.Call {
	calls := make([]analysis.Call, 0, len(f.comparison.Edges))
	for _, e := range f.comparison.Edges {
		calls = append(calls, analysis.Call{From: e.From, To: e.To, Bad: e.Bad() || f.leaning[e.To] && leans(e.Change)})
	}
	return calls
}

// suspectNames are the suspects that are services, best first, then services that triggers name outright.
func (f *facts) suspectNames() []string {
	var names []string
	for _, s := range f.suspects {
		if !s.Unseen {
			names = append(names, s.Name)
		}
	}
	for _, t := range f.req.Triggers {
		named := t.Kind == investigation.ClusterEvent || t.Kind == investigation.Anomaly || t.Kind == investigation.Manual && t.Entity.Kind() == "workload"
		if named && t.Service != "" && !slices.Contains(names, t.Service) {
			names = append(names, t.Service)
		}
	}
	return names
}

func (f *facts) isSuspect(service string) bool {
	return slices.ContainsFunc(f.suspects, func(s analysis.Suspect) bool { return s.Name == service })
}

// alarmed says that something other than a deployment or a person's question started the investigation.
func (f *facts) alarmed() bool {
	return slices.ContainsFunc(f.req.Triggers, func(t investigation.Trigger) bool {
		return t.Kind != investigation.Deployment && t.Kind != investigation.Manual
	})
}

func (f *facts) service(name string) (result.ServiceChange, bool) {
	if f.comparison != nil {
		for _, s := range f.comparison.Services {
			if s.Service == name {
				return s, true
			}
		}
	}
	return result.ServiceChange{}, false
}

// bad are the services that fail or are slow.
func (f *facts) bad() []result.ServiceChange {
	var out []result.ServiceChange
	if f.comparison != nil {
		for _, s := range f.comparison.Services {
			if s.Bad() {
				out = append(out, s)
			}
		}
	}
	return out
}

func (f *facts) edgesFrom(service string) []result.EdgeChange {
	var out []result.EdgeChange
	if f.comparison != nil {
		for _, e := range f.comparison.Edges {
			if e.From == service {
				out = append(out, e)
			}
		}
	}
	return out
}

// inGraph says that a service takes part in conversations.
func (f *facts) inGraph(service string) bool {
	if _, answers := f.service(service); answers {
		return true
	}
	return len(f.edgesFrom(service)) > 0
}

func (f *facts) usesDatabases() bool {
	return f.comparison != nil && slices.ContainsFunc(f.comparison.Edges, func(e result.EdgeChange) bool {
		return e.Protocol != "http" && e.Protocol != "tcp" && e.Protocol != "other"
	})
}

func (f *facts) anyFailing() bool {
	return f.comparison != nil && (slices.ContainsFunc(f.comparison.Services, func(s result.ServiceChange) bool { return s.Failing || s.Healed }) ||
		slices.ContainsFunc(f.comparison.Edges, func(e result.EdgeChange) bool { return e.Failing }))
}

// usage is what the processes of a service use together.
func (f *facts) usage(service string) (result.ServiceUsage, bool) {
	if f.hosts != nil {
		for _, u := range f.hosts.Services {
			if u.Service == service {
				return u, true
			}
		}
	}
	return result.ServiceUsage{}, false
}

// deployed is the last change of one of the kinds to a service that came right before the onset.
func (f *facts) deployed(service string, kinds ...string) (result.Deployment, bool) {
	var found result.Deployment
	if f.changes != nil {
		for _, d := range f.changes.Deployments {
			before := rightBefore
			if d.Namespace != "" {
				before = rolledBefore
			}
			if d.Service == service && slices.Contains(kinds, d.Kind) && d.Time.After(f.onset.Add(-before)) && d.Time.Before(f.onset.Add(rightAfter)) &&
				(!restarted(d) || found.Kind != telemetry.ChangeConfiguration) { // see rolled
				found = d
			}
		}
	}
	return found, found.Service != ""
}

func join(names []string) string {
	switch len(names) {
	case 0:
		return "nothing"
	case 1:
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
