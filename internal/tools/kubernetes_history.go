package tools

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/kubernetes"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	maxVersions          = 200 // of a history, the newest
	maxObjectDifferences = 40  // of one version
	maxValue             = 400 // bytes of a value before and after
)

// historySQL takes the version before the window along, to compare the first within it with.
const historySQL = `
SELECT *, count() OVER () AS total FROM (
    SELECT api_version, kind, namespace, name, uid, resource_version, action, actor, workload, time AS since, object
    FROM k8s_objects
    WHERE ` + objectNamed + ` AND ` + objectInScope + ` AND time >= {earlier:DateTime64(9,'UTC')} AND time < {to:DateTime64(9,'UTC')}
    ORDER BY ` + objectAge + ` LIMIT 1 BY uid, resource_version, action = 'deleted'
) ORDER BY (since, toUInt64OrZero(resource_version), action = 'deleted') DESC LIMIT 201`

type historyArguments struct {
	window
	objectArguments
}

func (a historyArguments) validate() error {
	if err := a.window.validate(); err != nil {
		return err
	}
	return a.objectArguments.validate()
}

func (r reader) kubernetesHistory() Tool {
	return Tool{
		Name:        "kubernetes_history",
		Description: "The versions of one object in a window: when it was made, changed and deleted, what changed each time (before and after), and by whom where the object tells.",
		Schema:      windowSchema(objectProperties(nil), "kind", "name"),
		DataTypes:   []investigation.DataType{investigation.Cluster, investigation.Configuration},
		Cost:        1,
		Run: func(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
			a, err := decode[historyArguments](arguments)
			if err != nil {
				return Result{}, err
			}
			kind, err := r.kindOf(ctx, scope, window{From: a.From.Add(-lookBack), To: a.To}, a.Kind)
			if err != nil {
				return Result{}, err
			}
			params := append(in(scope, a.window), param{"earlier", a.From.Add(-lookBack)})
			rows, text, err := query[objectRow](ctx, r.db, historySQL, append(params, a.params(kind)...))
			if err != nil {
				return Result{}, err
			}
			h := historyOf(rows, a.window)
			return Result{
				Summary: fmt.Sprintf("%d versions of %s %s", len(h.Versions)+h.Omitted, kind, a.objectArguments), Query: text, Window: a.public(), Data: h,
			}, nil
		},
		Control: controlWindow,
	}
}

// historyOf turns rows, the newest first, into versions within a window, the oldest first.
func historyOf(rows []objectRow, w window) result.KubernetesHistory {
	h := result.KubernetesHistory{Versions: []result.KubernetesChange{}}
	for i := len(rows) - 1; i >= 0; i-- {
		row := rows[i]
		if row.Since.Before(w.From) || row.Action == telemetry.ObjectSnapshot {
			continue
		}
		c := result.KubernetesChange{
			Time: row.Since.UTC(), Action: row.Action, Actor: row.Actor, UID: row.UID, Version: row.Version, Differences: []result.KubernetesDifference{},
		}
		if o, err := kubernetes.Parse([]byte(row.Object)); err == nil {
			c.Status = kubernetes.ColumnsOf(o).Status
		}
		if i+1 < len(rows) && rows[i+1].UID == row.UID && row.Action == telemetry.ObjectModified {
			c.Differences, c.Omitted = objectDifferences(rows[i+1].Object, row.Object)
		}
		h.Versions = append(h.Versions, c)
	}
	if over := len(h.Versions) - maxVersions; over > 0 {
		h.Versions = h.Versions[over:]
	}
	if len(rows) > 0 {
		h.Omitted = max(0, int(rows[0].Total)-len(rows))
	}
	return h
}

// objectDifferences are those of two versions, as many as are shown and how many more there are.
func objectDifferences(before, after string) ([]result.KubernetesDifference, int) {
	all := kubernetes.Diff([]byte(before), []byte(after))
	out := []result.KubernetesDifference{}
	for _, d := range all[:min(len(all), maxObjectDifferences)] {
		out = append(out, result.KubernetesDifference{Path: d.Path, Before: shown(d.Before), After: shown(d.After)})
	}
	return out, len(all) - len(out)
}

// shown is a value for people: a text as it is, anything else as JSON, and not more of it than one reads.
func shown(raw json.RawMessage) string {
	text := string(raw)
	var s string
	if json.Unmarshal(raw, &s) == nil && text != "null" {
		text = s
	}
	if text == "null" {
		return ""
	}
	return clip(text, maxValue)
}
