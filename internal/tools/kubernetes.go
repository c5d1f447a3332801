package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/kubernetes"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Kubernetes returns the tools that read the history of a cluster's objects. They belong to an installation that watches a cluster; another
// has no such history, and must not offer them.
func Kubernetes(db Store) []Tool {
	r := reader{db: db}
	return []Tool{
		r.kubernetesList(), r.kubernetesGet(), r.kubernetesHistory(), r.kubernetesDiff(), r.kubernetesEvents(), r.servicePods(),
	}
}

// lookBack is how far before a moment the version of an object that held then was stored at the latest: what is there is said again every
// SnapshotEvery, what is found by a list is stored as of at most as long ago, and a repetition may be late.
const lookBack = 2*telemetry.SnapshotEvery + time.Hour

// moment is the part of the arguments that says when something is looked at.
type moment struct {
	At time.Time `json:"at"`
}

func (m moment) validate() error {
	if m.At.IsZero() {
		return fmt.Errorf("%w: at is required, RFC 3339", ErrArguments)
	}
	return nil
}

// window is the time in which the versions that held at the moment were stored.
func (m moment) window() window { return window{From: m.At.Add(-lookBack), To: m.At} }

// controlMoment asks the same question about the last healthy moment.
func controlMoment(raw json.RawMessage, healthy investigation.Window) (json.RawMessage, bool) {
	if !healthy.From.Before(healthy.To) {
		return nil, false
	}
	return replace(raw, map[string]time.Time{"at": healthy.To})
}

// momentSchema is the JSON schema of arguments with a moment and more.
func momentSchema(more map[string]any, required ...string) json.RawMessage {
	properties := map[string]any{"at": map[string]any{"type": "string", "format": "date-time", "description": "the moment to look at"}}
	for name, property := range more {
		properties[name] = property
	}
	return objectSchema(properties, append([]string{"at"}, required...))
}

// windowSchema is the JSON schema of arguments with a window and more, some of which are required, too.
func windowSchema(more map[string]any, required ...string) json.RawMessage {
	properties := map[string]any{
		"from": map[string]any{"type": "string", "format": "date-time", "description": "start of the window, inclusive"},
		"to":   map[string]any{"type": "string", "format": "date-time", "description": "end of the window, exclusive"},
	}
	for name, property := range more {
		properties[name] = property
	}
	return objectSchema(properties, append([]string{"from", "to"}, required...))
}

// objectInScope says which rows of k8s_objects a caller may see. What belongs to no namespace is not shown to who is limited to some.
const objectInScope = `environment = {environment:String} AND (empty({namespaces:Array(String)}) OR has({namespaces:Array(String)}, namespace))`

// objectInWindow adds when: a version stored exactly at the end counts, for a moment is looked at with all that was so by then.
const objectInWindow = objectInScope + ` AND time >= {from:DateTime64(9,'UTC')} AND time <= {to:DateTime64(9,'UTC')}`

// objectAge orders versions of one object: by time, then as the API server numbered them; the end of one comes last.
const objectAge = `(time, toUInt64OrZero(resource_version), action = 'deleted')`

// heldSQL are the versions that held at the end of the window, of the objects that fulfil a condition on columns that do not change.
// Which those are is found without reading an object.
func heldSQL(condition string) string {
	return `
SELECT api_version, kind, namespace, name, uid, resource_version, action, actor, workload, time AS since, object
FROM k8s_objects
WHERE ` + condition + ` AND ` + objectInWindow + ` AND (uid, time, resource_version) IN (
    SELECT uid, held.1, held.2 FROM (
        SELECT uid, argMax((time, resource_version, action), ` + objectAge + `) AS held
        FROM k8s_objects WHERE ` + condition + ` AND ` + objectInWindow + ` GROUP BY uid)
    WHERE held.3 != 'deleted')`
}

// objectRow is one version.
type objectRow struct {
	APIVersion string    `ch:"api_version"`
	Kind       string    `ch:"kind"`
	Namespace  string    `ch:"namespace"`
	Name       string    `ch:"name"`
	UID        string    `ch:"uid"`
	Version    string    `ch:"resource_version"`
	Action     string    `ch:"action"`
	Actor      string    `ch:"actor"`
	Workload   string    `ch:"workload"`
	Since      time.Time `ch:"since"`
	Object     string    `ch:"object"`
	Diff       string    `ch:"diff"`
	Total      uint64    `ch:"total"`
}

// kindsSQL finds how a kind that is not always watched is written.
const kindsSQL = `SELECT DISTINCT toString(kind) AS kind FROM k8s_objects WHERE ` + objectInWindow + ` ORDER BY kind LIMIT 1000`

// kindOf is the kind that a word means: one that is always watched, or a custom resource's of which there is history.
func (r reader) kindOf(ctx context.Context, scope Scope, w window, word string) (string, error) {
	kind, known := kubernetes.Kind(word)
	if known {
		return kind, nil
	}
	switch strings.TrimSuffix(strings.ToLower(word), "s") {
	case "secret":
		return "", fmt.Errorf("%w: Secrets are never watched", ErrNoAnswer)
	case "event":
		return "", fmt.Errorf("%w: what the cluster said is kubernetes_events' to tell", ErrNoAnswer)
	}
	rows, _, err := query[struct {
		Kind string `ch:"kind"`
	}](ctx, r.db, kindsSQL, in(scope, w))
	if err != nil {
		return "", err
	}
	var seen []string
	for _, row := range rows {
		if l := strings.ToLower(row.Kind); l == strings.ToLower(kind) || l+"s" == strings.ToLower(kind) || l+"es" == strings.ToLower(kind) {
			return row.Kind, nil
		}
		seen = append(seen, row.Kind)
	}
	return "", fmt.Errorf("%w: no object of kind %q was seen; seen were %s", ErrNoAnswer, kind, strings.Join(seen, ", "))
}

// sinceCreation is the age of an object in seconds.
func sinceCreation(o kubernetes.Object, at time.Time) float64 { return round(o.Age(at).Seconds()) }

// clip keeps at most limit bytes of a text.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
