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
	maxVersions = 200 // of a history, the newest
	maxFolded   = 800 // versions that are read to be folded

	maxHistoryBytes = 48 << 20 // of the objects that are held at once to be compared; the API server takes one of 1.5 MiB
)

// historySQL takes of each object the version before the window along, to compare the first within it with. It reads the newest of them, as many
// and as large as are held at once; what is before the window counts for nothing else.
const historySQL = `
SELECT * EXCEPT (earlier, size) FROM (
    SELECT *, countIf(since >= {from:DateTime64(9,'UTC')}) OVER () AS total,
           countIf(since < {from:DateTime64(9,'UTC')}) OVER (PARTITION BY uid ORDER BY ` + historyAge + ` DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS earlier,
           sum(length(object) + length(diff)) OVER (ORDER BY ` + historyAge + ` DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS size
    FROM (
        SELECT api_version, kind, namespace, name, uid, resource_version, action, actor, workload, time AS since, object, diff
        FROM k8s_objects
        WHERE ` + objectNamed + ` AND ` + objectInScope + ` AND time >= {earlier:DateTime64(9,'UTC')} AND time < {to:DateTime64(9,'UTC')}
        ORDER BY ` + objectAge + ` LIMIT 1 BY uid, resource_version, action = 'deleted')
) WHERE earlier <= 1 AND size <= {bytes:UInt64}
ORDER BY ` + historyAge + ` DESC LIMIT {rows:UInt32}`

// historyAge is objectAge of what historySQL reads.
const historyAge = `(since, toUInt64OrZero(resource_version), action = 'deleted')`

type historyArguments struct {
	window
	objectArguments
	Fold bool `json:"fold"`
}

// rows is how many versions are read: one more than are told, to compare the oldest with.
func (a historyArguments) rows() uint32 {
	if a.Fold {
		return maxFolded + 1
	}
	return maxVersions + 1
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
		Schema: windowSchema(objectProperties(map[string]any{
			"fold": map[string]any{"type": "boolean", "description": "tell versions of status alone that follow each other as one"},
		}), "kind", "name"),
		DataTypes: []investigation.DataType{investigation.Cluster, investigation.Configuration},
		Cost:      1,
		Run: func(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
			a, err := decode[historyArguments](arguments)
			if err != nil {
				return Result{}, err
			}
			kind, err := r.kindOf(ctx, scope, window{From: a.From.Add(-lookBack), To: a.To}, a.Kind)
			if err != nil {
				return Result{}, err
			}
			params := append(in(scope, a.window), param{"earlier", a.From.Add(-lookBack)}, param{"rows", a.rows()}, param{"bytes", uint64(maxHistoryBytes)})
			rows, text, err := query[objectRow](ctx, r.db, historySQL, append(params, a.params(kind)...))
			if err != nil {
				return Result{}, err
			}
			h := historyOf(rows, a)
			if h.Reach, err = r.reach(ctx, scope, a.From); err != nil {
				return Result{}, err
			}
			return Result{
				Summary: fmt.Sprintf("%d versions of %s %s%s", versions(h.Versions)+h.Omitted, kind, a.objectArguments, reservation(h.Reach)), Query: text, Window: a.public(), Data: h,
			}, nil
		},
		Control: controlWindow,
	}
}

// historyOf turns rows, the newest first, into versions within a window, the oldest first.
func historyOf(rows []objectRow, a historyArguments) result.KubernetesHistory {
	h := result.KubernetesHistory{Versions: []result.KubernetesChange{}}
	within := 0
	for i := len(rows) - 1; i >= 0; i-- {
		row := rows[i]
		if row.Since.Before(a.From) {
			continue
		}
		within++
		if row.Action == telemetry.ObjectSnapshot {
			continue
		}
		before := ""
		if i+1 < len(rows) && rows[i+1].UID == row.UID {
			before = rows[i+1].Object
		}
		h.Versions = append(h.Versions, versionOf(row, before))
	}
	if a.Fold {
		h.Versions = fold(h.Versions)
	}
	if len(rows) > 0 {
		h.Omitted = int(rows[0].Total) - within
	}
	for over := len(h.Versions) - maxVersions; over > 0; over-- {
		h.Omitted += versions(h.Versions[:1])
		h.Versions = h.Versions[1:]
	}
	return h
}

func versionOf(row objectRow, before string) result.KubernetesChange {
	c := result.KubernetesChange{
		Time: row.Since.UTC(), Action: row.Action, Actor: row.Actor, UID: row.UID, Version: row.Version, Differences: []result.KubernetesDifference{},
	}
	if o, err := kubernetes.Parse([]byte(row.Object)); err == nil {
		c.Status = kubernetes.ColumnsOf(o).Status
	}
	if row.Action == telemetry.ObjectModified {
		all := differencesOf(before, row.Object, row.Diff)
		c.StatusAlone = statusAlone(all)
		c.Differences, c.Omitted = showDifferences(all)
	}
	return c
}

// versions counts them, those of a fold each.
func versions(list []result.KubernetesChange) (n int) {
	for _, v := range list {
		n += max(1, v.Folded)
	}
	return n
}
