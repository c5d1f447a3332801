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

// witnessed tells whether a tool found a service.
func witnessed(evidence []investigation.Evidence, service string) bool {
	return inRow(evidence, func(row map[string]any) bool {
		return slices.ContainsFunc(naming, func(key string) bool { return is(row[key], service) })
	})
}

// sighted tells whether a tool found a workload, by its namespace and kind/name, or with an empty namespace a node.
func sighted(evidence []investigation.Evidence, namespace, name string) bool {
	return inRow(evidence, func(row map[string]any) bool {
		if namespace != "" {
			return is(row["namespace"], namespace) && is(row["workload"], name)
		}
		return is(row["node"], name) || is(row["host"], name) || is(row["kind"], "Node") && (is(row["name"], name) || is(row["objects"], name))
	})
}

// inRow tells whether a row of any evidence is one. Text that mentions something does not count, and neither does a field outside of
// all lists, which only repeats what was asked for.
func inRow(evidence []investigation.Evidence, one func(row map[string]any) bool) bool {
	return slices.ContainsFunc(evidence, func(e investigation.Evidence) bool {
		var v any
		return e.Error == "" && json.Unmarshal(e.Result, &v) == nil && within(v, false, one)
	})
}

// within tells whether a row within v is one.
func within(v any, row bool, one func(map[string]any) bool) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, func(v any) bool { return within(v, true, one) })
	case map[string]any:
		if row && one(v) {
			return true
		}
		for _, field := range v {
			if within(field, row, one) {
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
