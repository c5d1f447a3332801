package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/analysis"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	maxKubernetesEvents = 100
	maxEventObjects     = 5
)

// eventCount is how often an Event has occurred when it was told.
const eventCount = `toInt64(greatest(1, toInt64OrZero(attributes['` + telemetry.K8sEventCount + `'])))`

// kubernetesEventsSQL counts by Event: the exporter tells one each time its count changes.
const kubernetesEventsSQL = `
SELECT namespace, workload, kind, name, reason, type, sum(occurred) AS n, min(began) AS first, max(ended) AS last, argMax(note, ended) AS latest
FROM (
    SELECT ` + namespaceOf + ` AS namespace, attributes['` + telemetry.ObjectWorkload + `'] AS workload, attributes['` + telemetry.K8sObjectKind + `'] AS kind,
           attributes['` + telemetry.K8sObjectName + `'] AS name, attributes['` + telemetry.K8sEventReason + `'] AS reason, attributes['` + telemetry.K8sEventType + `'] AS type,
           attributes['` + telemetry.K8sEventUID + `'] AS event,
           toUInt64(if(event = '', uniqExact(time), max(` + eventCount + `) - min(` + eventCount + `) + 1)) AS occurred, min(time) AS began, max(time) AS ended, argMax(body, time) AS note
    FROM events
    WHERE event_name = '` + telemetry.EventKubernetes + `' AND ({namespace:String} = '' OR namespace = {namespace:String})
      AND ({workload:String} = '' OR workload = {workload:String} OR {workload:String} = concat(lower(kind), '/', name))
      AND ({kind:String} = '' OR kind = {kind:String}) AND ({name:String} = '' OR name = {name:String})
      AND ({type:String} = '' OR type = {type:String}) AND ` + inWindow + `
    GROUP BY namespace, workload, kind, name, reason, type, event
)
GROUP BY namespace, workload, kind, name, reason, type
ORDER BY type DESC, n DESC, namespace, workload, kind, name, reason LIMIT 5000`

type eventsArguments struct {
	window
	Namespace string `json:"namespace"`
	Workload  string `json:"workload"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Type      string `json:"type"`
}

func (a eventsArguments) validate() error {
	if !slices.Contains([]string{"", "Normal", "Warning"}, a.Type) {
		return fmt.Errorf("%w: type is Normal or Warning", ErrArguments)
	}
	if a.Workload != "" && !strings.Contains(a.Workload, "/") {
		return fmt.Errorf("%w: a workload is written deployment/checkout", ErrArguments)
	}
	return a.window.validate()
}

type kubernetesEventRow struct {
	Namespace string    `ch:"namespace"`
	Workload  string    `ch:"workload"`
	Kind      string    `ch:"kind"`
	Name      string    `ch:"name"`
	Reason    string    `ch:"reason"`
	Type      string    `ch:"type"`
	N         uint64    `ch:"n"`
	First     time.Time `ch:"first"`
	Last      time.Time `ch:"last"`
	Latest    string    `ch:"latest"`
}

func (r reader) kubernetesEvents() Tool {
	return Tool{
		Name: "kubernetes_events",
		Description: "Kubernetes Events of a window, of an object, a workload with all its pods, a namespace, or all: those that say the same of the same workload together, with how often, " +
			"when first and last, and the latest note. Warnings come first.",
		Schema: schema(false, map[string]any{
			"namespace": text("only of this namespace; all if left out"),
			"workload":  text("only about this workload, its pods among it: deployment/checkout"),
			"kind":      text("only about objects of this kind: pod, node"),
			"name":      text("only about objects of this name"),
			"type":      map[string]any{"type": "string", "enum": []string{"", "Normal", "Warning"}},
		}),
		DataTypes: []investigation.DataType{investigation.Cluster},
		Cost:      1,
		Run: func(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
			a, err := decode[eventsArguments](arguments)
			if err != nil {
				return Result{}, err
			}
			kind := a.Kind
			if kind != "" {
				if kind, err = r.kindOf(ctx, scope, window{From: a.From.Add(-lookBack), To: a.To}, kind); err != nil {
					return Result{}, err
				}
			}
			rows, text, err := query[kubernetesEventRow](ctx, r.db, kubernetesEventsSQL, append(in(scope, a.window), param{"namespace", a.Namespace},
				param{"workload", a.Workload}, param{"kind", kind}, param{"name", a.Name}, param{"type", a.Type}))
			if err != nil {
				return Result{}, err
			}
			events := gatherEvents(rows)
			if events.Reach, err = r.reach(ctx, scope, a.From); err != nil {
				return Result{}, err
			}
			warnings := 0
			for _, e := range events.Events {
				if e.Type == "Warning" {
					warnings++
				}
			}
			return Result{
				Summary: fmt.Sprintf("%d kinds of Event, %d of them warnings%s", len(events.Events)+events.Omitted, warnings, reservation(events.Reach)), Query: text, Window: a.public(), Data: events,
			}, nil
		},
		Control: controlWindow,
	}
}

type eventKey struct{ namespace, workload, kind, reason, kindOfEvent, note string }

// gatherEvents joins the rows of one workload's objects that say the same but for names and numbers.
func gatherEvents(rows []kubernetesEventRow) result.KubernetesEvents {
	groups := map[eventKey]*result.KubernetesEvent{}
	var order []eventKey
	for _, row := range rows {
		workload := cmp.Or(row.Workload, strings.ToLower(row.Kind)+"/"+row.Name)
		key := eventKey{row.Namespace, workload, row.Kind, row.Reason, row.Type, analysis.Template(strings.ReplaceAll(row.Latest, row.Name, "?"))}
		g := groups[key]
		if g == nil {
			g = &result.KubernetesEvent{
				Namespace: row.Namespace, Workload: workload, Kind: row.Kind, Reason: row.Reason, Type: row.Type, Objects: []string{}, First: row.First.UTC(),
			}
			groups[key], order = g, append(order, key)
		}
		g.Count += row.N
		if len(g.Objects) < maxEventObjects && !slices.Contains(g.Objects, row.Name) {
			g.Objects = append(g.Objects, row.Name)
		}
		if row.First.Before(g.First) {
			g.First = row.First.UTC()
		}
		if !row.Last.Before(g.Last) {
			g.Last, g.Note = row.Last.UTC(), clip(row.Latest, 4*maxValue)
		}
	}
	out := result.KubernetesEvents{Events: []result.KubernetesEvent{}}
	for _, key := range order {
		out.Events = append(out.Events, *groups[key])
	}
	slices.SortStableFunc(out.Events, func(a, b result.KubernetesEvent) int {
		return cmp.Or(cmp.Compare(b.Type, a.Type), cmp.Compare(b.Count, a.Count)) // Warning after Normal in the alphabet
	})
	out.Omitted = max(0, len(out.Events)-maxKubernetesEvents)
	out.Events = out.Events[:len(out.Events)-out.Omitted]
	return out
}
