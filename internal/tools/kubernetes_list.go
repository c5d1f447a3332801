package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/kubernetes"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	maxObjects   = 500 // in a list
	maxDescribed = 20  // pods of it whose containers are told
)

const (
	objectListed = `kind = {kind:String} AND ({namespace:String} = '' OR namespace = {namespace:String})
    AND ({name:String} = '' OR positionCaseInsensitive(name, {name:String}) > 0) AND ({workload:String} = '' OR workload = {workload:String})`
	objectLabelled = `
    AND arrayAll((k, v) -> JSONExtractString(object, 'metadata', 'labels', k) = v, {label_names:Array(String)}, {label_values:Array(String)})`
)

type listArguments struct {
	moment
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Labels    string `json:"labels"`
	Workload  string `json:"workload"`
}

var label = regexp.MustCompile(`^[^=,\s]+=[^=,]*$`)

func (a listArguments) validate() error {
	if strings.TrimSpace(a.Kind) == "" {
		return fmt.Errorf("%w: kind is required", ErrArguments)
	}
	for _, l := range a.labels() {
		if !label.MatchString(l) {
			return fmt.Errorf("%w: labels are written app=web,tier=front", ErrArguments)
		}
	}
	return a.moment.validate()
}

func (a listArguments) labels() []string {
	if strings.TrimSpace(a.Labels) == "" {
		return nil
	}
	return strings.Split(strings.ReplaceAll(a.Labels, " ", ""), ",")
}

// selector is the labels as parameters of a query.
func (a listArguments) selector() []param {
	names, values := []string{}, []string{}
	for _, l := range a.labels() {
		name, value, _ := strings.Cut(l, "=")
		names, values = append(names, name), append(values, value)
	}
	return []param{{"label_names", names}, {"label_values", values}}
}

func (r reader) kubernetesList() Tool {
	return Tool{
		Name: "kubernetes_list",
		Description: "Lists the objects of one kind that were in the cluster at a moment, now or in the past, with what kubectl shows of them then: status, ready, restarts, age, " +
			"node, images, and the workload they belong to. What needs attention comes first.",
		Schema: momentSchema(map[string]any{
			"kind":      text("what to list: pods, deployments, nodes, any other kind that is watched"),
			"namespace": text("only of this namespace; all if left out"),
			"name":      text("only objects whose name contains this"),
			"labels":    text("only objects with these labels: app=web,tier=front"),
			"workload":  text("only what belongs to this workload: deployment/checkout"),
		}, "kind"),
		DataTypes: []investigation.DataType{investigation.Cluster},
		Cost:      1,
		Run: func(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
			a, err := decode[listArguments](arguments)
			if err != nil {
				return Result{}, err
			}
			kind, err := r.kindOf(ctx, scope, a.window(), a.Kind)
			if err != nil {
				return Result{}, err
			}
			sql := `SELECT *, count() OVER () AS total FROM (` + heldSQL(objectListed) + objectLabelled + ` LIMIT 1 BY uid) ORDER BY namespace, name, uid LIMIT 5000`
			params := append(in(scope, a.window()), param{"kind", kind}, param{"namespace", a.Namespace}, param{"name", a.Name}, param{"workload", a.Workload})
			rows, text, err := query[objectRow](ctx, r.db, sql, append(params, a.selector()...))
			if err != nil {
				return Result{}, err
			}
			list := listObjects(rows, a.moment)
			list.Kind = kind
			if list.Reach, err = r.reach(ctx, scope, a.At); err != nil {
				return Result{}, err
			}
			return Result{
				Summary: fmt.Sprintf("%d of kind %s at %s, %d of them not as they should be%s", len(list.Objects)+list.Omitted, kind, a.At.UTC().Format("15:04:05"), list.Unhealthy,
					reservation(list.Reach)),
				Query: text, Window: investigation.Window{From: a.At, To: a.At}, Data: list,
			}, nil
		},
		Control: controlMoment,
	}
}

func listObjects(rows []objectRow, m moment) result.KubernetesObjects {
	out := result.KubernetesObjects{At: m.At.UTC(), Objects: []result.KubernetesObject{}}
	var well []result.KubernetesObject
	objects := map[string]kubernetes.Object{} // by uid
	for _, row := range rows {
		o, err := kubernetes.Parse([]byte(row.Object))
		if err != nil {
			continue // the ingester stores none such
		}
		line := objectLine(row, o, m)
		objects[row.UID] = o
		if line.Unhealthy {
			out.Objects = append(out.Objects, line)
			out.Unhealthy++
		} else {
			well = append(well, line)
		}
		out.Omitted = int(row.Total)
	}
	out.Objects = append(out.Objects, well...)
	out.Objects = out.Objects[:min(len(out.Objects), maxObjects)]
	out.Omitted -= len(out.Objects)
	for i := range out.Objects[:min(len(out.Objects), maxDescribed)] {
		out.Objects[i].Containers = containersOf(out.Objects[i], objects[out.Objects[i].UID])
	}
	return out
}

// containersOf are those of a pod that is not well or was restarted, else none.
func containersOf(line result.KubernetesObject, o kubernetes.Object) []result.KubernetesContainer {
	out := []result.KubernetesContainer{}
	if o.Kind != "Pod" || !line.Unhealthy && line.Restarts == 0 {
		return out
	}
	p := kubernetes.PodOf(o)
	for _, c := range p.Containers() {
		spec, _ := p.Spec.Container(c.Name)
		line := result.KubernetesContainer{
			Name: c.Name, Image: spec.Image, Ready: c.Ready, Restarts: c.RestartCount, MemoryLimit: spec.Resources.Limits["memory"], CPULimit: spec.Resources.Limits["cpu"],
			Readiness: spec.ReadinessProbe.String(), Liveness: spec.LivenessProbe.String(),
		}
		ended := c.LastState.Terminated
		switch s := c.State; {
		case s.Waiting != nil:
			line.State, line.Message = s.Waiting.Reason, clip(s.Waiting.Message, maxValue)
		case s.Terminated != nil:
			line.State, line.Message, ended = "terminated", clip(s.Terminated.Message, maxValue), s.Terminated
		case s.Running != nil:
			line.State = "running"
		}
		if ended != nil {
			line.Ended, line.ExitCode = ended.Reason, ended.ExitCode
		}
		out = append(out, line)
	}
	return out
}

func objectLine(row objectRow, o kubernetes.Object, m moment) result.KubernetesObject {
	c := kubernetes.ColumnsOf(o)
	return result.KubernetesObject{
		Namespace: row.Namespace, Name: row.Name, Status: c.Status, Ready: c.Ready, Restarts: c.Restarts, AgeS: sinceCreation(o, m.At), Node: c.Node, IP: c.IP,
		Images: c.Images, Workload: row.Workload, Unhealthy: c.Unhealthy, Message: clip(c.Message, 2*maxValue),
		Containers: []result.KubernetesContainer{}, UID: row.UID, Version: row.Version, Since: row.Since.UTC(),
	}
}
