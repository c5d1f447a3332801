package builtin

import (
	"regexp"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
)

// draft chooses the named action of a kind that is meant for the service and fills its parameters by their types. It is
// nil when no action fits or a value it needs is not known: then the report stands without a fix.
func (f *facts) draft(kind investigation.ActionKind, service string, values map[string]string, why string) *investigation.FixDraft {
	for _, a := range f.req.Actions {
		if a.Kind != kind || len(a.Services) > 0 && !slices.Contains(a.Services, service) {
			continue
		}
		if parameters, ok := fill(a, service, values); ok {
			return &investigation.FixDraft{Action: a.Name, Parameters: parameters, Why: why}
		}
	}
	return nil
}

var identifier = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// fill gives each parameter its value: by name, and for services and processes by type.
func fill(a investigation.Action, service string, values map[string]string) (map[string]string, bool) {
	out := map[string]string{}
	for _, p := range a.Parameters {
		v := values[p.Name]
		switch {
		case v != "":
		case p.Type == investigation.ServiceParameter:
			v = service
		case p.Type == investigation.ProcessParameter:
			v = values["process"]
		}
		if v == "" && p.Optional {
			continue
		}
		if v == "" || len(p.Allowed) > 0 && !allowed(p, v) || p.Type == investigation.IdentifierParameter && !identifier.MatchString(v) {
			return nil, false
		}
		out[p.Name] = v
	}
	return out, true
}

func allowed(p investigation.Parameter, v string) bool {
	switch p.Type {
	case investigation.PathParameter:
		return slices.ContainsFunc(p.Allowed, func(dir string) bool { return strings.HasPrefix(v, strings.TrimSuffix(dir, "/")+"/") })
	case investigation.WorkloadParameter:
		namespace, _, _ := strings.Cut(v, "/")
		return slices.Contains(p.Allowed, namespace)
	case investigation.ProcessParameter:
		parts := strings.SplitN(v, ":", 3) // pid, start ticks, executable
		return len(parts) == 3 && slices.Contains(p.Allowed, parts[2])
	}
	return slices.Contains(p.Allowed, v)
}
