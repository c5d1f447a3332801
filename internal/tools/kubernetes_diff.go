package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/kubernetes"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	objectOfDiff = `kind = {kind:String} AND ({namespace:String} = '' OR namespace = {namespace:String}) AND ({name:String} = '' OR name = {name:String})`

	// movedSQL finds the objects of which another version, or none, held at the second moment, without reading one.
	movedSQL = `
SELECT uid, namespace_of AS namespace, name_of AS name, held.1.2 AS before, if(held.1.3 = 'deleted', '', before) AS was, held.2.2 AS after, if(held.2.3 = 'deleted', '', after) AS is,
       held.2.1 AS since, held.2.4 AS actor, held.2.5 AS workload, count() OVER () AS total
FROM (
    SELECT uid, any(toString(namespace)) AS namespace_of, any(name) AS name_of,
           (argMaxIf((time, resource_version, action, toString(actor), toString(workload)), ` + objectAge + `, time <= {before:DateTime64(9,'UTC')}),
            argMax((time, resource_version, action, toString(actor), toString(workload)), ` + objectAge + `)) AS held
    FROM k8s_objects WHERE ` + objectOfDiff + ` AND ` + objectInWindow + ` GROUP BY uid)
WHERE was != is ORDER BY since DESC, namespace, name LIMIT 50`

	versionsSQL = `
SELECT uid, resource_version, object FROM k8s_objects
WHERE ` + objectOfDiff + ` AND ` + objectInWindow + ` AND has({uids:Array(String)}, uid) AND has({versions:Array(String)}, concat(uid, ' ', resource_version))
ORDER BY time LIMIT 1 BY uid, resource_version`
)

type kubernetesDiffArguments struct {
	Before    time.Time `json:"before"`
	After     time.Time `json:"after"`
	Kind      string    `json:"kind"`
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
}

func (a kubernetesDiffArguments) validate() error {
	if strings.TrimSpace(a.Kind) == "" {
		return fmt.Errorf("%w: kind is required", ErrArguments)
	}
	if a.Before.IsZero() || a.After.IsZero() || !a.Before.Before(a.After) || a.After.Sub(a.Before) > 7*24*time.Hour {
		return fmt.Errorf("%w: before and after are required, RFC 3339, at most seven days apart and in this order", ErrArguments)
	}
	return nil
}

type movedRow struct {
	UID       string    `ch:"uid"`
	Namespace string    `ch:"namespace"`
	Name      string    `ch:"name"`
	Before    string    `ch:"before"`
	Was       string    `ch:"was"`
	After     string    `ch:"after"`
	Is        string    `ch:"is"`
	Since     time.Time `ch:"since"`
	Actor     string    `ch:"actor"`
	Workload  string    `ch:"workload"`
	Total     uint64    `ch:"total"`
}

func (r reader) kubernetesDiff() Tool {
	return Tool{
		Name:        "kubernetes_diff",
		Description: "How the objects of a kind differ between two moments: which were added, deleted and changed, and in what. Give a name for one object, or none for all of a kind.",
		Schema: objectSchema(map[string]any{
			"before":    map[string]any{"type": "string", "format": "date-time", "description": "the first moment"},
			"after":     map[string]any{"type": "string", "format": "date-time", "description": "the second moment"},
			"kind":      text("its kind: deployments, configmaps, pods"),
			"namespace": text("only of this namespace; all if left out"),
			"name":      text("only this object; all of the kind if left out"),
		}, []string{"before", "after", "kind"}),
		DataTypes: []investigation.DataType{investigation.Cluster, investigation.Configuration},
		Cost:      2,
		Run: func(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
			a, err := decode[kubernetesDiffArguments](arguments)
			if err != nil {
				return Result{}, err
			}
			w := window{From: a.Before.Add(-lookBack), To: a.After}
			kind, err := r.kindOf(ctx, scope, w, a.Kind)
			if err != nil {
				return Result{}, err
			}
			params := append(in(scope, w), param{"kind", kind}, param{"namespace", a.Namespace}, param{"name", a.Name})
			params = append(params, param{"before", a.Before})
			moved, text, err := query[movedRow](ctx, r.db, movedSQL, params)
			if err != nil {
				return Result{}, err
			}
			objects, err := r.versions(ctx, params, moved)
			if err != nil {
				return Result{}, err
			}
			authors, err := r.authors(ctx, params, moved)
			if err != nil {
				return Result{}, err
			}
			d := diffOf(moved, objects, authors)
			d.Kind = kind
			if d.Reach, err = r.reach(ctx, scope, a.Before); err != nil {
				return Result{}, err
			}
			return Result{
				Summary: fmt.Sprintf("%d of kind %s differ between %s and %s%s", len(d.Objects)+d.Omitted, kind, a.Before.UTC().Format("15:04:05"), a.After.UTC().Format("15:04:05"),
					reservation(d.Reach)),
				Query: text, Window: investigation.Window{From: a.Before, To: a.After}, Data: d,
			}, nil
		},
		Control: func(raw json.RawMessage, healthy investigation.Window) (json.RawMessage, bool) {
			if !healthy.From.Before(healthy.To) {
				return nil, false
			}
			return replace(raw, map[string]time.Time{"before": healthy.From, "after": healthy.To})
		},
	}
}

// versions reads the objects of which two versions are compared, by uid and resource version.
func (r reader) versions(ctx context.Context, params []param, moved []movedRow) (map[[2]string]string, error) {
	uids, versions := []string{}, []string{}
	for _, m := range moved {
		if m.Was != "" && m.Is != "" {
			uids, versions = append(uids, m.UID), append(versions, m.UID+" "+m.Was, m.UID+" "+m.Is)
		}
	}
	out := map[[2]string]string{}
	if len(uids) == 0 {
		return out, nil
	}
	rows, _, err := query[struct {
		UID     string `ch:"uid"`
		Version string `ch:"resource_version"`
		Object  string `ch:"object"`
	}](ctx, r.db, versionsSQL, append(params, param{"uids", uids}, param{"versions", versions}))
	for _, row := range rows {
		out[[2]string{row.UID, row.Version}] = row.Object
	}
	return out, err
}

func diffOf(moved []movedRow, objects map[[2]string]string, authors []authorRow) result.KubernetesDiff {
	d := result.KubernetesDiff{Objects: []result.KubernetesMoved{}}
	for _, m := range moved {
		o := result.KubernetesMoved{
			Namespace: m.Namespace, Name: m.Name, UID: m.UID, Workload: m.Workload, Actor: m.Actor, Actors: []string{}, Since: m.Since.UTC(),
			Action: telemetry.ObjectModified, Differences: []result.KubernetesDifference{},
		}
		switch {
		case m.Was == "":
			o.Action = telemetry.ObjectAdded
		case m.Is == "":
			o.Action = telemetry.ObjectDeleted
		default:
			by := authorshipOf(authors, m.UID)
			if !by.since.IsZero() {
				o.Actor, o.Actors, o.Since = strings.Join(by.actors[:min(len(by.actors), 1)], ""), append(o.Actors, by.actors...), by.since.UTC()
			}
			all := withHidden(kubernetes.Diff([]byte(objects[[2]string{m.UID, m.Was}]), []byte(objects[[2]string{m.UID, m.Is}])), by.masked)
			o.StatusAlone = statusAlone(all)
			o.Reverted = o.StatusAlone && by.wrote
			o.Differences, o.Omitted = showDifferences(all)
		}
		d.Objects, d.Omitted = append(d.Objects, o), int(m.Total)
	}
	d.Omitted -= len(d.Objects)
	slices.SortStableFunc(d.Objects, func(a, b result.KubernetesMoved) int {
		if a.StatusAlone != b.StatusAlone {
			return map[bool]int{true: 1, false: -1}[a.StatusAlone]
		}
		return b.Since.Compare(a.Since)
	})
	return d
}
