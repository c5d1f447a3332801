package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/kubernetes"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// objectNamed is the condition on one object. There may have been several of its name, one after the other.
const objectNamed = `kind = {kind:String} AND namespace = {namespace:String} AND name = {name:String}`

// objectArguments is the part of the arguments that names an object.
type objectArguments struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

func (a objectArguments) validate() error {
	if strings.TrimSpace(a.Kind) == "" || strings.TrimSpace(a.Name) == "" {
		return fmt.Errorf("%w: kind and name are required", ErrArguments)
	}
	return nil
}

func (a objectArguments) params(kind string) []param {
	return []param{{"kind", kind}, {"namespace", a.Namespace}, {"name", a.Name}}
}

func (a objectArguments) String() string { return strings.Trim(a.Namespace+"/"+a.Name, "/") }

// objectProperties are those of objectArguments and more.
func objectProperties(more map[string]any) map[string]any {
	p := map[string]any{
		"kind":      text("its kind: pod, deployment, node, configmap"),
		"namespace": text("its namespace; left out for what has none, such as nodes"),
		"name":      text("its name"),
	}
	for name, property := range more {
		p[name] = property
	}
	return p
}

type getArguments struct {
	moment
	objectArguments
	Format string `json:"format"`
}

func (a getArguments) validate() error {
	if a.Format != "" && a.Format != "yaml" && a.Format != "json" {
		return fmt.Errorf("%w: format is yaml or json", ErrArguments)
	}
	if err := a.moment.validate(); err != nil {
		return err
	}
	return a.objectArguments.validate()
}

func (r reader) kubernetesGet() Tool {
	return Tool{
		Name:        "kubernetes_get",
		Description: "One object as it was at a moment, now or in the past: the whole of it, credentials masked, and who changed it last.",
		Schema: momentSchema(objectProperties(map[string]any{
			"format": map[string]any{"type": "string", "enum": []string{"", "json", "yaml"}, "description": "json if left out"},
		}), "kind", "name"),
		DataTypes: []investigation.DataType{investigation.Cluster, investigation.Configuration},
		Cost:      1,
		Run: func(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
			a, err := decode[getArguments](arguments)
			if err != nil {
				return Result{}, err
			}
			kind, err := r.kindOf(ctx, scope, a.window(), a.Kind)
			if err != nil {
				return Result{}, err
			}
			row, text, err := r.held(ctx, scope, a.moment, kind, a.objectArguments)
			if err != nil {
				return Result{}, err
			}
			v, err := a.render(row)
			if err != nil {
				return Result{}, err
			}
			if v.Reach, err = r.reach(ctx, scope, a.At); err != nil {
				return Result{}, err
			}
			return Result{
				Summary: fmt.Sprintf("%s %s at %s: version %s, %s%s", kind, a.objectArguments, a.At.UTC().Format("15:04:05"), row.Version, v.Object.Status, reservation(v.Reach)),
				Query:   text, Window: investigation.Window{From: a.At, To: a.At}, Data: v,
			}, nil
		},
		Control: controlMoment,
	}
}

// held is the version of an object that held at a moment, or ErrNoAnswer.
func (r reader) held(ctx context.Context, scope Scope, m moment, kind string, a objectArguments) (objectRow, string, error) {
	rows, text, err := query[objectRow](ctx, r.db, heldSQL(objectNamed)+` ORDER BY `+objectAge+` DESC LIMIT 1`, append(in(scope, m.window()), a.params(kind)...))
	if err != nil {
		return objectRow{}, "", err
	}
	if len(rows) == 0 {
		return objectRow{}, "", r.absent(ctx, scope, m, kind, a)
	}
	return rows[0], text, nil
}

// absent is the answer about what was not there, or of which nobody can know.
func (r reader) absent(ctx context.Context, scope Scope, m moment, kind string, a objectArguments) error {
	if a.Namespace == "" {
		kind += " without a namespace called"
	}
	reach, err := r.reach(ctx, scope, m.At)
	if err != nil {
		return err
	}
	const layout = "2006-01-02 15:04:05"
	if !reach.WatchedSince.IsZero() {
		return fmt.Errorf("%w: of %s %s nothing is known at %s UTC: the cluster is watched since %s UTC", ErrNoAnswer, kind, a, m.At.UTC().Format(layout),
			reach.WatchedSince.Format(layout))
	}
	hint := ""
	if a.Namespace == "" {
		hint = "; most kinds have a namespace, which must be named"
	}
	return fmt.Errorf("%w: there was no %s %s at %s UTC%s", ErrNoAnswer, kind, a, m.At.UTC().Format(layout), hint)
}

func (a getArguments) render(row objectRow) (result.KubernetesVersion, error) {
	o, err := kubernetes.Parse([]byte(row.Object))
	if err != nil {
		return result.KubernetesVersion{}, err
	}
	v := result.KubernetesVersion{At: a.At.UTC(), Object: objectLine(row, o, a.moment), Actor: row.Actor}
	if a.Format != "yaml" {
		v.Manifest = json.RawMessage(row.Object)
		return v, nil
	}
	v.YAML, err = kubernetes.YAML([]byte(row.Object))
	return v, err
}
