package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const changesSQL = `
SELECT time, service, instance, event_name, body, attributes, resource
FROM events
WHERE event_name != '` + telemetry.EventKubernetes + `' AND ({service:String} = '' OR service = {service:String}) AND ` + inWindow + `
ORDER BY time, service, instance, event_name, body
LIMIT 2000`

type changesArguments struct {
	window
	Service string `json:"service"`
}

type eventRow struct {
	Time       time.Time         `ch:"time"`
	Service    string            `ch:"service"`
	Instance   string            `ch:"instance"`
	Event      string            `ch:"event_name"`
	Body       string            `ch:"body"`
	Attributes map[string]string `ch:"attributes"`
	Resource   map[string]string `ch:"resource"`
}

func (r reader) recentChanges() Tool {
	return Tool{
		Name: "recent_changes",
		Description: "What changed in a window: new executables, images, arguments and configuration (with diffs, and who rolled it out), scaling and other changes of a Kubernetes cluster, " +
			"processes that started, exited or were killed for want of memory.",
		Schema:    schema(false, map[string]any{"service": text("only this service; all if left out")}),
		DataTypes: []investigation.DataType{investigation.Configuration, investigation.Cluster},
		Cost:      1,
		Run: func(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
			a, err := decode[changesArguments](arguments)
			if err != nil {
				return Result{}, err
			}
			rows, text, err := query[eventRow](ctx, r.db, changesSQL, append(in(scope, a.window), param{"service", a.Service}))
			if err != nil {
				return Result{}, err
			}
			c := gatherChanges(rows)
			return Result{
				Summary: fmt.Sprintf("%d deployments, %d other changes of the cluster, %d starts, %d exits, %d OOM kills", len(c.Deployments), len(c.Cluster), len(c.Starts), len(c.Exits), len(c.OOMKills)),
				Query:   text, Window: a.public(), Data: c,
			}, nil
		},
		Control: controlWindow,
	}
}

func gatherChanges(rows []eventRow) result.Changes {
	c := result.Changes{
		Deployments: []result.Deployment{}, Starts: []result.Lifecycle{}, Exits: []result.Lifecycle{}, OOMKills: []result.Lifecycle{}, Cluster: []result.Deployment{},
	}
	told := map[string]bool{}
	for _, row := range rows {
		if id := row.Attributes[telemetry.ChangeID]; id != "" {
			if told[id+row.Service] {
				continue // the exporter was killed before it knew that it had told this
			}
			told[id+row.Service] = true
		}
		switch row.Event {
		case telemetry.EventDeployment:
			c.Deployments = append(c.Deployments, row.deployment())
		case telemetry.EventChange:
			c.Cluster = append(c.Cluster, row.deployment())
		case telemetry.EventStart:
			c.Starts = append(c.Starts, row.lifecycle())
		case telemetry.EventExit:
			c.Exits = append(c.Exits, row.lifecycle())
		case telemetry.EventOOMKill:
			c.OOMKills = append(c.OOMKills, row.lifecycle())
		}
	}
	return c
}

// attribute looks in the event first, then in its resource.
func (row eventRow) attribute(name string) string {
	if v := row.Attributes[name]; v != "" {
		return v
	}
	return row.Resource[name]
}

func (row eventRow) deployment() result.Deployment {
	a := row.Attributes
	d := result.Deployment{
		Time: row.Time.UTC(), Service: row.Service, Kind: a[telemetry.ChangeKind], Before: a[telemetry.ChangeBefore], After: a[telemetry.ChangeAfter],
		Detail: a[telemetry.ChangeDetail], File: a[telemetry.ChangeFile], Actor: a[telemetry.ObjectActor], Workload: row.attribute(telemetry.ObjectWorkload),
	}
	if name := a[telemetry.K8sObjectName]; name != "" {
		kind := a[telemetry.K8sObjectKind]
		d.Namespace, d.Object = row.attribute(telemetry.K8sNamespace), kind+"/"+name
		if d.Workload == "" && slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet"}, kind) {
			d.Workload = strings.ToLower(kind) + "/" + name
		}
	}
	return d
}

func (row eventRow) lifecycle() result.Lifecycle {
	return result.Lifecycle{
		Time: row.Time.UTC(), Service: row.Service, Instance: row.Instance, PID: row.attribute(telemetry.ProcessPID),
		Executable: row.attribute(telemetry.ProcessExecPath), ExitCode: row.attribute(telemetry.ExitCode),
		Signal: row.attribute(telemetry.ExitSignal), Detail: row.Body,
	}
}
