package activities

import (
	"encoding/json"
	"slices"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// triggered tells whether a trigger is about a service, or about one that talks with it.
func triggered(ts []investigation.Trigger, service string) bool {
	return slices.ContainsFunc(ts, func(t investigation.Trigger) bool {
		return t.Service == service || t.Entity == telemetry.Service(service) || slices.Contains(t.Peers, service)
	})
}

// naming are the fields of a tool's rows that name services.
var naming = []string{"service", "from", "to", "peer", "database", "callers"}

// witnessed tells whether a tool found a service. Text that mentions it does not count, and neither does a field outside of
// all lists, which only repeats what was asked for.
func witnessed(evidence []investigation.Evidence, service string) bool {
	return slices.ContainsFunc(evidence, func(e investigation.Evidence) bool {
		var v any
		return e.Error == "" && json.Unmarshal(e.Result, &v) == nil && names(v, service, false)
	})
}

// names tells whether a row within v names a service.
func names(v any, service string, row bool) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, func(v any) bool { return names(v, service, true) })
	case map[string]any:
		for key, field := range v {
			if row && slices.Contains(naming, key) && is(field, service) || names(field, service, row) {
				return true
			}
		}
	}
	return false
}

// is tells whether a field is a name, or a list that holds it.
func is(field any, name string) bool {
	list, ok := field.([]any)
	return field == any(name) || ok && slices.Contains(list, any(name))
}
