package builtin

import (
	"slices"

	"github.com/midwatch/midwatch/internal/tools/result"
)

// concern leaves out of what was found the services that can have nothing to do with what raised the investigation: an environment has
// many, and something is always wrong with one of them. What concerns an alarm is the service it is about, what that calls, directly or
// not, and whoever calls any of these; not what a mere caller calls besides, as a prober or a scraper calls everybody.
func (f *facts) concern() {
	raised := f.raisedOn()
	if f.comparison == nil || !slices.ContainsFunc(raised, f.inGraph) {
		return // who takes the CPU needs no calls, and a person may ask about everything
	}
	calls, callers := map[string][]string{}, map[string][]string{}
	link := func(from, to string) {
		calls[from], callers[to] = append(calls[from], to), append(callers[to], from)
	}
	for _, e := range f.comparison.Edges {
		link(e.From, e.To)
	}
	if f.edges != nil {
		for _, e := range f.edges.Edges {
			link(e.From, e.To)
		}
	}
	concerned := reach(callers, reach(calls, raised))
	keep := func(service string) bool { return slices.Contains(concerned, service) }
	f.elsewhere = f.slowBesides(keep)
	f.comparison.Services = slices.DeleteFunc(f.comparison.Services, func(s result.ServiceChange) bool { return !keep(s.Service) })
	f.comparison.Operations = slices.DeleteFunc(f.comparison.Operations, func(o result.OperationChange) bool { return !keep(o.Service) })
	f.comparison.Edges = slices.DeleteFunc(f.comparison.Edges, func(e result.EdgeChange) bool { return !keep(e.From) || !keep(e.To) })
	if f.edges != nil {
		f.edges.Edges = slices.DeleteFunc(f.edges.Edges, func(e result.Edge) bool { return !keep(e.From) || !keep(e.To) })
	}
}

// concerns tells whether a service may be why the alarms were raised: they are about it, or about one that calls it. What hurts itself and
// its callers, and nobody else, is no cause of an alarm elsewhere.
func (f *facts) concerns(service string) bool {
	raised := f.raisedOn()
	return len(raised) == 0 || slices.ContainsFunc(raised, func(r string) bool { return r == service || f.leads(r, service) })
}

// raisedOn are the services that triggers are about; none when a trigger is about something else.
func (f *facts) raisedOn() []string {
	var out []string
	for _, t := range f.req.Triggers {
		if t.Service == "" {
			return nil
		}
		out = append(out, t.Service)
	}
	return out
}

// reach returns where one comes from some nodes, themselves included.
func reach(next map[string][]string, from []string) []string {
	out := slices.Clone(from)
	seen := map[string]bool{}
	for _, n := range from {
		seen[n] = true
	}
	for i := 0; i < len(out); i++ {
		for _, n := range next[out[i]] {
			if !seen[n] {
				seen[n] = true
				out = append(out, n)
			}
		}
	}
	return out
}
